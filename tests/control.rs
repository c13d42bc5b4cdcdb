//! What is asked of a run while it goes on changes no bit of what its trials end
//! with.

mod inside;

use std::path::Path;
use std::time::Duration;

use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_core::EpochRecord;
use ablate_data as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Control, Event, Observer, Outcome, Plan, run};
use ablate_store::{Status, Trial, TrialFolder, checkpoint, trial_name};

/// Does something at a step of a trial, once.
struct At<F> {
    place: usize,
    epoch: usize,
    step: usize,
    does: Option<F>,
}

impl<F: FnOnce() + Send> Observer for At<F> {
    fn notice(&mut self, event: Event) {
        let Event::Step {
            trial, epoch, step, ..
        } = event
        else {
            return;
        };
        let place = usize::from(trial.variant == "relu") + 2 * trial.seed as usize;
        if (place, epoch, step) == (self.place, self.epoch, self.step)
            && let Some(does) = self.does.take()
        {
            does();
        }
    }
}

/// tanh and relu on two seeds, with steps enough to be caught between them.
fn plan() -> Plan {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("../experiments/relu_vs_tanh.toml");
    let settings = [
        "optimiser.lr=0.01",
        "training.epochs=2",
        "training.batch_size=16",
    ];
    inside::plan(&file, "ci", &settings, Some(2))
}

fn go(plan: &Plan, store: &Path, control: &Control, observer: &mut dyn Observer) -> Outcome {
    run(plan, &inside::alone(store, control), observer).expect("a run")
}

/// What a trial ends with: metrics without throughput, and the final tensors.
fn result(trial: &Trial, plan: &Plan, store: &Path) -> (Vec<EpochRecord>, Vec<u8>) {
    let mut history = trial.history.clone();
    for record in &mut history {
        record.images_per_second = 0.0;
    }
    (history, newest(trial, plan, store).tensors)
}

fn newest(trial: &Trial, plan: &Plan, store: &Path) -> checkpoint::Checkpoint {
    let name = trial_name(&trial.variant, trial.seed, &trial.hash);
    let folder = TrialFolder::open(plan.path(store).join(name));
    let loaded = checkpoint::load(folder.path()).expect("a folder");
    loaded.checkpoint.expect("a checkpoint")
}

fn results(outcome: &Outcome, plan: &Plan, store: &Path) -> Vec<(Vec<EpochRecord>, Vec<u8>)> {
    let trials = outcome.trials.iter();
    trials.map(|trial| result(trial, plan, store)).collect()
}

fn watch(place: usize, epoch: usize, step: usize, does: impl FnOnce() + Send) -> impl Observer {
    At {
        place,
        epoch,
        step,
        does: Some(does),
    }
}

/// The results of a run that nothing was asked of.
fn undisturbed(plan: &Plan) -> Vec<(Vec<EpochRecord>, Vec<u8>)> {
    let store = tempfile::tempdir().expect("a folder");
    let outcome = go(
        plan,
        store.path(),
        &Control::default(),
        &mut watch(9, 0, 0, || ()),
    );
    assert!(!outcome.stopped && outcome.left == 0);
    results(&outcome, plan, store.path())
}

#[test]
fn a_pause_saves_and_changes_nothing() {
    let plan = plan();
    let store = tempfile::tempdir().expect("a folder");
    let control = Control::default();
    let folder = {
        let trial = &plan.trials[1];
        plan.path(store.path())
            .join(trial_name(&trial.variant, trial.seed, &trial.hash))
    };
    let (waker, paused) = (control.clone(), control.clone());
    let waker = std::thread::spawn(move || {
        // Nothing trains while the run is paused: the checkpoint stays the one of
        // the step at which it was.
        while !waker.is_paused() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let step = || {
            let loaded = checkpoint::load(&folder).ok()?;
            let progress = loaded.checkpoint?.progress;
            Some((progress["epoch"].as_u64()?, progress["step"].as_u64()?))
        };
        let mut seen = Vec::new();
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(25));
            seen.push(step());
        }
        waker.resume();
        seen
    });
    let outcome = go(
        &plan,
        store.path(),
        &control,
        &mut watch(1, 1, 3, move || paused.pause()),
    );
    let seen = waker.join().expect("it woke the run");
    assert_eq!(seen.last(), Some(&Some((1, 3))), "{seen:?}");
    assert_eq!(results(&outcome, &plan, store.path()), undisturbed(&plan));
}

#[test]
fn a_stop_ends_a_pause() {
    let plan = plan();
    let store = tempfile::tempdir().expect("a folder");
    let control = Control::default();
    let asks = control.clone();
    let does = move || {
        asks.pause();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            asks.stop();
        });
    };
    let outcome = go(&plan, store.path(), &control, &mut watch(0, 0, 2, does));
    assert!(outcome.stopped);
    assert_eq!(outcome.trials.len(), 1);
    let progress = newest(&outcome.trials[0], &plan, store.path()).progress;
    assert_eq!(progress["step"], 2);
}

#[test]
fn the_others_go_on_without_a_trial_and_it_goes_on_later() {
    let plan = plan();
    let store = tempfile::tempdir().expect("a folder");
    let control = Control::default();
    let asks = control.clone();
    let does = || {
        // The one that trains, one that waits, and one that is taken back.
        asks.leave(&plan.trials[1]);
        asks.leave(&plan.trials[2]);
        asks.leave(&plan.trials[3]);
        asks.take_back(&plan.trials[3]);
    };
    let outcome = go(&plan, store.path(), &control, &mut watch(1, 1, 2, does));
    assert!(!outcome.stopped);
    assert_eq!(outcome.left, 2);
    let statuses: Vec<_> = outcome
        .trials
        .iter()
        .map(|trial| (&*trial.variant, trial.seed, &trial.status))
        .collect();
    let expected = [
        ("tanh", 0, &Status::Finished),
        ("relu", 0, &Status::Unfinished),
        ("relu", 1, &Status::Finished),
    ];
    assert_eq!(statuses, expected);

    let outcome = go(
        &plan,
        store.path(),
        &Control::default(),
        &mut watch(9, 0, 0, || ()),
    );
    assert_eq!(outcome.left, 0);
    assert_eq!(results(&outcome, &plan, store.path()), undisturbed(&plan));
}
