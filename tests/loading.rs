//! Whether images come in time, and what becomes of a trial whose images do not come.

mod inside;
mod program;

use std::time::Duration;

use ablate_core::{
    DataContext, Dataset, DatasetConfig, DatasetInfo, EpochRecord, Result, Split, register,
};
use ablate_linear as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Control, Nobody, run};
use ablate_store::Status;
use program::{Program, stdout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Grey images that take a while to read, and one that a mistake is made with.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
struct Sleepy {
    /// Milliseconds an image takes.
    milliseconds: u64,
    /// The training image whose reader panics.
    panics: Option<usize>,
}

struct SleepyImages {
    info: DatasetInfo,
    pause: Duration,
    panics: Option<usize>,
}

impl DatasetConfig for Sleepy {
    fn build(&self, _: &DataContext) -> Result<Box<dyn Dataset>> {
        Ok(Box::new(SleepyImages {
            info: DatasetInfo {
                description: "grey images".to_string(),
                shape: [1, 2, 2],
                classes: ["light", "dark"].map(String::from).to_vec(),
            },
            pause: Duration::from_millis(self.milliseconds),
            panics: self.panics,
        }))
    }
}

impl Dataset for SleepyImages {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => 40,
            Split::Validation => 4,
        }
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        assert!(
            split == Split::Validation || self.panics != Some(index),
            "no image {index}"
        );
        std::thread::sleep(self.pause);
        let label = index as u32 % 2;
        pixels.fill(100 * (1 - label as u8));
        Ok(label)
    }
}

register!(dataset, "sleepy", Sleepy, "grey images that take a while");

const EXPERIMENT: &str = r#"
[experiment]
name = "sleepy"
title = "Images that take a while"

[experiment.claim]
text = "They come."
section = "none"
measure = { final_validation = "loss" }
comparison = "points"
baseline = "quick"
treatment = "slow"

[base]
model = { name = "linear" }
data = { name = "sleepy" }
optimiser = { name = "sgd_paper" }
training = { epochs = 1, batch_size = 8, parts = 2 }

[variants.quick.data]
milliseconds = 0

[variants.slow.data]
milliseconds = 2

[profiles.only]
seeds = 1
"#;

/// How each variant's trial ended, and its only epoch.
fn trained(settings: &[&str]) -> [(Status, Option<EpochRecord>); 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sleepy.toml");
    std::fs::write(&file, EXPERIMENT).expect("a file");
    let plan = inside::plan(&file, "only", settings, None);
    let options = inside::alone(folder.path(), &Control::default());
    let outcome = run(&plan, &options, &mut Nobody).expect("a run");
    ["quick", "slow"].map(|variant| {
        let mut trials = outcome.trials.iter();
        let trial = trials.find(|trial| trial.variant == variant);
        let trial = trial.expect("it ran");
        (trial.status.clone(), trial.history.last().cloned())
    })
}

#[test]
fn waiting_for_images_is_part_of_the_speed() {
    let [quick, slow] = trained(&[]);
    assert_eq!([&quick.0, &slow.0], [&Status::Finished; 2]);
    // One thread reads, and 40 images take it 80 milliseconds.
    let speed = slow.1.expect("an epoch").images_per_second;
    assert!(speed < 1000.0, "{speed} images a second");
}

#[test]
fn a_panic_of_a_data_set_fails_its_trial_and_no_other() {
    for ranks in ["machine.ranks=1", "machine.ranks=2"] {
        // The last images of a batch are rank 1's.
        for image in ["0", "13", "39"] {
            let panics = format!("data.panics={image}");
            for (status, epoch) in trained(&[&panics, ranks]) {
                let Status::Failed { message } = status else {
                    panic!("{ranks}, image {image}: {status:?}");
                };
                let words = format!("panicked: no image {image}");
                assert!(message.contains(&words), "{message}");
                assert!(epoch.is_none());
            }
        }
    }
}

#[test]
fn loading_and_training_are_timed_alone_and_together() {
    let program = Program::new();
    let output = program.succeed(&[
        "bench",
        "--loading",
        "experiments/lrn.toml",
        "--profile",
        "ci",
        "--quick",
    ]);
    let printed = stdout(&output);
    let row = printed.lines().last().expect("a table");
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 5, "{printed}");
    let number = |cell: &str| cell.trim_end_matches('%').parse::<f64>();
    let numbers: Vec<f64> = cells[1..]
        .iter()
        .map(|cell| number(cell).expect("a number"))
        .collect();
    let [loading, training, both, waiting] = numbers[..] else {
        panic!("{printed}");
    };
    assert!(loading > 0.0 && training > 0.0 && both > 0.0, "{printed}");
    assert!((0.0..=100.0).contains(&waiting), "{printed}");
}
