//! A trial's folder: its record, metrics, outputs and checkpoints; and the report.

use std::path::{Path, PathBuf};

use ablate_core::DataContext;
use ablate_parallel::Alone;
use ablate_runner::{Control, Draft, Event, Network, Observer, Plan, RunOptions, run};
use ablate_store::{Measure, Trial, TrialFolder, checkpoint};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{MIB, networks};
use crate::engine::Target;
use crate::files::Files;
use crate::{repair, scratch, text};

/// Two variants of a tiny network, on tiny images.
const EXPERIMENT: &str = r#"
[experiment]
name = "tiny"
title = "A tiny experiment"

[experiment.claim]
text = "Response normalisation helps."
section = "3.3"
measure = { final_validation = "top1_error" }
comparison = "points"
baseline = "without"
treatment = "with"

[base]
model = { name = "convnet", filters = [2, 2, 2], dropout = 0.5 }
data = { name = "shapes", size = 8, train = 24, validation = 12 }
augmentation = { steps = ["reflection"] }
optimiser = { name = "sgd" }
training = { epochs = 2, batch_size = 12 }
evaluation = { samples = 3, gallery = 8 }
machine = { threads = 1 }

[variants.without.model.lrn]
enabled = false

[variants.with.model.lrn]
enabled = true

[profiles.quick]
seeds = 1
"#;

/// The tiny experiment, trained, in a folder of its own.
pub struct Tiny {
    pub plan: Plan,
    pub folder: TempDir,
}

/// Stops a run after so many epochs.
struct StopAfter(usize, Control);

impl Observer for StopAfter {
    fn notice(&mut self, event: Event) {
        if matches!(event, Event::Epoch { record, .. } if record.epoch >= self.0) {
            self.1.stop();
        }
    }
}

impl Tiny {
    /// Trains it for so many of its two epochs, or until a variant has them.
    pub fn trained(epochs: usize) -> Self {
        let tiny = Self::planned(&[]);
        tiny.run(epochs).expect("it trains");
        tiny
    }

    /// Plans it with these settings.
    pub fn planned(settings: &[&str]) -> Self {
        let folder = scratch::folder();
        let file = folder.path().join("tiny.toml");
        std::fs::write(&file, EXPERIMENT).expect("writable");
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let draft = Draft::read(&file, None, &settings, None, DataContext::default());
        let plan = draft.and_then(|draft| draft.plan(&[])).expect("valid");
        Self { plan, folder }
    }

    /// Goes on with it.
    pub fn run(&self, epochs: usize) -> ablate_runner::Result<Vec<Trial>> {
        let control = Control::default();
        let stop = if epochs < 2 { epochs } else { usize::MAX };
        let observer = &mut StopAfter(stop, control.clone());
        train(&self.plan, &self.store(), control, observer)
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// The folder of the first trial.
    pub fn trial(&self) -> PathBuf {
        let name = self.plan.trials[0].folder_name();
        self.plan.path(&self.store()).join(name)
    }
}

/// Trains a plan.
pub fn train(
    plan: &Plan,
    store: &Path,
    control: Control,
    observer: &mut dyn Observer,
) -> ablate_runner::Result<Vec<Trial>> {
    let options = RunOptions {
        store,
        control,
        jobs: 1,
        group: &Alone,
    };
    Ok(run(plan, &options, observer)?.trials)
}

/// The files of a trial's folder that are read, and what changes them.
pub fn files(folder: &Path, wanted: &[&'static str]) -> Files {
    let with = |files: Files, name: &&'static str| match *name {
        "tensors" => {
            let newest = checkpoint::newest(folder).expect("a checkpoint");
            files.with(name, folder.join(newest), networks::safetensors)
        }
        "metrics" => files.with(name, folder.join("metrics.jsonl"), text::text),
        "outputs" => files.with(name, folder.join("outputs.safetensors"), outputs),
        _ => files.with(name, folder.join(format!("{name}.json")), text::text),
    };
    wanted.iter().fold(Files::default(), with)
}

/// Makes the list of checkpoints fit a changed file of tensors.
pub fn list_again(folder: &Path, tensors: &[u8]) {
    let path = folder.join("checkpoint.json");
    let text = std::fs::read(&path).expect("readable");
    let mut list: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    list[0]["sha256"] = repair::sha256(tensors).into();
    std::fs::write(&path, list.to_string()).expect("writable");
}

#[test]
fn stored() {
    let tiny = Tiny::trained(2);
    let folder = tiny.trial();
    let names = [
        "trial",
        "environment",
        "metrics",
        "outputs",
        "checkpoint",
        "tensors",
    ];
    let files = files(&folder, &names);
    let target = Target {
        name: "stored",
        parts: files.parts(),
        memory: 64 * MIB,
        share: 1.0,
    };
    target.run(|part, input| {
        files.changed(part, input, || {
            if part == "tensors" {
                list_again(&folder, input);
            }
            read(&folder)
        })
    });
}

/// Everything that is read of a stored trial.
fn read(folder: &Path) -> Result<(), String> {
    let say = |error: ablate_store::Error| error.to_string();
    let trial = TrialFolder::open(folder).read().map_err(say)?;
    if let Some(outputs) = trial.as_ref().and_then(|trial| trial.outputs.as_ref()) {
        outputs.predictions().map_err(say)?;
        outputs.samples().map_err(say)?;
        outputs.retrieval().map_err(say)?;
    }
    if let Some(trial) = &trial {
        let measures = [
            Measure::EpochsToTrainError(0.5),
            Measure::EpochsToValidationError(0.5),
            Measure::FinalGap("loss".to_string()),
            Measure::TowerChromaGap,
            Measure::RetrievalShare,
        ];
        for measure in measures {
            let _ = measure.of(trial);
        }
    }
    checkpoint::load(folder).map_err(say)?;
    let network = Network::open(folder, &[], &DataContext::default());
    network.map(drop).map_err(|error| error.to_string())
}

#[test]
fn report() {
    let tiny = Tiny::trained(2);
    let folder = tiny.trial();
    let names = ["trial", "environment", "metrics", "outputs"];
    let files = files(&folder, &names);
    let target = Target {
        name: "report",
        parts: files.parts(),
        memory: 256 * MIB,
        share: 0.05,
    };
    let into = tiny.folder.path().join("report");
    target.run(|part, input| {
        let stored = files.changed(part, input, || {
            ablate_runner::stored(&tiny.plan, &tiny.store())
        });
        let (_, trials) = stored.map_err(|error| error.to_string())?;
        let written = ablate_report::write(&tiny.plan.experiment, &trials, &into, "again");
        written.map(drop).map_err(|error| error.to_string())
    });
}

fn outputs(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    networks::safetensors(input, other, rng);
    let parts = repair::parts(input).filter(|_| rng.random_bool(0.8));
    if let Some((header, data)) = parts
        && let Some(header) = repair::digests(&header, &data)
    {
        *input = repair::joined(&header, &data);
    }
}
