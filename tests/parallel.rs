//! Ranks that share each batch train the same network, to the bit, as one rank that
//! works on its parts in turn; and one on whole batches but for rounding.

mod inside;

use std::collections::HashMap;
use std::path::Path;

use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_core::{DataContext, EpochRecord};
use ablate_data as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Control, Draft, Event, Observer, Plan, run};
use ablate_store::{Status, TrialFolder, checkpoint};
use safetensors::SafeTensors;

/// Asks for a stop at a step of the first epoch; at none where it is 0.
struct StopAt(usize, Control);

impl Observer for StopAt {
    fn notice(&mut self, event: Event) {
        if matches!(event, Event::Step { epoch: 0, step, .. } if step == self.0) {
            self.1.stop();
        }
    }
}

/// An AlexNet with dropout, of which the last batch of an epoch is a small one.
fn plan(settings: &[&str]) -> Plan {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("../experiments/dropout.toml");
    let fixed = [
        "training.batch_size=36",
        "data.train=114",
        "data.validation=30",
    ];
    let mut plan = inside::plan(&file, "ci", &[&fixed, settings].concat(), Some(1));
    plan.trials.retain(|trial| trial.variant == "with");
    assert_eq!(plan.trials.len(), 1);
    plan
}

/// Runs the plan's one trial, stopping first at a step; returns how it stands, its
/// history without throughput, and its last checkpoint.
fn go(plan: &Plan, store: &Path, stop_at: usize) -> (Status, Vec<EpochRecord>, Vec<u8>) {
    let control = Control::default();
    let options = inside::alone(store, &control);
    let outcome = run(plan, &options, &mut StopAt(stop_at, control)).expect("a run");
    let trial = &outcome.trials[0];
    let mut history = trial.history.clone();
    history
        .iter_mut()
        .for_each(|record| record.images_per_second = 0.0);
    let folder = plan.path(store).join(plan.trials[0].folder_name());
    let loaded = checkpoint::load(TrialFolder::open(folder).path()).expect("a folder");
    let tensors = loaded.checkpoint.map(|checkpoint| checkpoint.tensors);
    (trial.status.clone(), history, tensors.unwrap_or_default())
}

fn finished(settings: &[&str]) -> (Vec<EpochRecord>, Vec<u8>) {
    let store = tempfile::tempdir().expect("a folder");
    let (status, history, tensors) = go(&plan(settings), store.path(), 0);
    assert_eq!(status, Status::Finished);
    (history, tensors)
}

#[test]
fn ranks_change_no_bit() {
    for parts in [2, 4] {
        let parts = format!("training.parts={parts}");
        let alone = finished(&[&parts]);
        let two = finished(&[&parts, "machine.ranks=2"]);
        assert_eq!(alone.0, two.0, "{parts}");
        assert!(alone.1 == two.1, "{parts}: other weights");
    }
    let alone = finished(&["training.parts=5"]);
    assert_eq!(alone, finished(&["training.parts=5", "machine.ranks=5"]));
}

#[test]
fn a_trial_goes_on_with_other_ranks_to_the_same_bits() {
    let whole = finished(&["training.parts=4"]);
    let store = tempfile::tempdir().expect("a folder");
    let (two, four) = (
        plan(&["training.parts=4", "machine.ranks=2"]),
        plan(&["training.parts=4", "machine.ranks=4"]),
    );
    let (status, history, _) = go(&two, store.path(), 2);
    assert_eq!((status, history.len()), (Status::Unfinished, 0));
    let (status, history, tensors) = go(&four, store.path(), 0);
    assert_eq!((status, history), (Status::Finished, whole.0));
    assert!(tensors == whole.1, "other weights");
}

/// After one step from rest, the velocity of plain gradient descent is the gradient.
#[test]
fn gradients_are_those_of_the_whole_batch() {
    let gradients = |settings: &[&str]| {
        let one_step = [
            "training.epochs=1",
            "training.batch_size=114",
            "optimiser.name=\"sgd\"",
            "optimiser.weight_decay=0.0",
        ];
        let settings: Vec<&str> = one_step.iter().chain(settings).copied().collect();
        velocities(&finished(&settings).1)
    };
    let whole = gradients(&[]);
    assert_eq!(whole.len(), 16, "{:?}", whole.keys());
    for ranks in ["machine.ranks=1", "machine.ranks=2"] {
        let shared = gradients(&["training.parts=2", ranks]);
        assert_eq!(shared.len(), whole.len());
        for (name, whole) in &whole {
            let largest = whole.iter().fold(0f32, |most, value| most.max(value.abs()));
            assert!(largest > 0.0, "{name} has no gradient");
            let pairs = whole.iter().zip(&shared[name]);
            let furthest = pairs.fold(0f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(
                furthest <= 1e-5 * largest,
                "{name}: {furthest} of {largest}"
            );
        }
    }
}

/// The optimiser's state in a checkpoint, by name.
fn velocities(tensors: &[u8]) -> HashMap<String, Vec<f32>> {
    let file = SafeTensors::deserialize(tensors).expect("a checkpoint");
    let tensors = file.tensors().into_iter();
    let floats = |bytes: &[u8]| {
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|word| f32::from_le_bytes(*word)).collect()
    };
    tensors
        .filter(|(name, _)| name.starts_with("optimiser."))
        .map(|(name, view)| (name, floats(view.data())))
        .collect()
}

#[test]
fn ranks_that_cannot_share_a_batch_are_refused() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("../experiments/dropout.toml");
    let refused = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let nowhere = DataContext { roots: Vec::new() };
        let draft = Draft::read(&file, Some("ci"), &settings, Some(1), nowhere);
        let plan = draft.and_then(|draft| draft.plan(&[]));
        plan.err().expect("refused").to_string()
    };
    let message = refused(&["machine.ranks=2"]);
    for part in ["`machine.ranks`", "2 ranks", "training.parts", "fix:"] {
        assert!(message.contains(part), "{message}");
    }
    let message = refused(&["training.parts=33"]);
    for part in ["`training.parts`", "a batch of 32", "fix:"] {
        assert!(message.contains(part), "{message}");
    }
}
