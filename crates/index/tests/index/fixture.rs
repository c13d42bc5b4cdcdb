//! Made-up trials, written as a run writes them, so that nothing need be trained.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ablate_core::EpochRecord;
use ablate_store::{
    Claim, Comparison, Environment, Experiment, ExperimentFolder, Measure, Status, Trial,
    TrialFolder,
};
use serde_json::json;

/// An experiment's folder in a store.
pub fn experiment(store: &Path, name: &str, profile: &str) -> ExperimentFolder {
    let claim = Claim {
        text: String::new(),
        section: String::new(),
        measure: Measure::FinalValidation("top1_error".to_string()),
        comparison: Comparison::Points,
        baseline: "plain".to_string(),
        treatment: "fancy".to_string(),
        paper: None,
        paper_text: String::new(),
        also: Vec::new(),
    };
    let experiment = Experiment {
        name: name.to_string(),
        title: name.to_string(),
        profile: profile.to_string(),
        claim,
        variants: Vec::new(),
        ensembles: BTreeMap::new(),
        search: None,
    };
    ExperimentFolder::create(store, &experiment).expect("a folder")
}

/// A trial of a learning rate, which ends with `error`.
pub fn trial(variant: &str, seed: u64, lr: f64, error: f64, status: Status) -> Trial {
    let record = |epoch, error: f64| EpochRecord {
        epoch,
        learning_rate: lr,
        images_per_second: 1000.0,
        exchanged: None,
        gradient_norm: None,
        train: BTreeMap::from([("loss".to_string(), 2.0 * error)]),
        validation: BTreeMap::from([("top1_error".to_string(), error)]),
    };
    Trial {
        variant: variant.to_string(),
        seed,
        members: Vec::new(),
        hash: format!("{:08x}", (lr * 1e6) as u64 * 1000 + seed).repeat(8),
        status,
        data: "made up".to_string(),
        parameters: 10,
        history: vec![
            record(1, error + 0.3),
            record(2, error - 0.1),
            record(3, error),
        ],
        config: json!({
            "model": { "name": "convnet", "filters": [8, 8] },
            "optimiser": { "lr": lr, "nesterov": false },
            "training": { "epochs": 3, "stop": null },
        }),
        outputs: None,
        environment: None,
    }
}

/// Writes a trial as a run does; returns its folder.
pub fn write(folder: &ExperimentFolder, trial: &Trial) -> PathBuf {
    let place = folder
        .trial(&trial.variant, trial.seed, &trial.hash)
        .expect("a folder");
    rewrite(&place, trial);
    place.path().to_path_buf()
}

/// Writes its files again.
pub fn rewrite(place: &TrialFolder, trial: &Trial) {
    place.write(trial).expect("written");
    place.rewrite_history(&trial.history).expect("written");
    let environment = Environment {
        started: 1_795_572_744,
        ..Environment::default()
    };
    place.write_environment(&environment).expect("written");
}
