//! Experiments and trials for this crate's tests.

use std::collections::BTreeMap;

use ablate_core::EpochRecord;
use ablate_store::{Claim, Comparison, Environment, Experiment, Measure, Status, Trial};

/// ReLU against tanh.
pub(crate) fn experiment() -> Experiment {
    let changes = |name: &str| BTreeMap::from([("model.activation".to_string(), name.into())]);
    Experiment {
        name: "relu_vs_tanh".to_string(),
        title: "ReLU against tanh".to_string(),
        profile: "quick".to_string(),
        claim: Claim {
            text: "ReLU reaches 25% training error in fewer epochs than tanh.".to_string(),
            section: "3.1, Fig. 1".to_string(),
            measure: Measure::EpochsToTrainError(0.25),
            comparison: Comparison::Ratio,
            baseline: "tanh".to_string(),
            treatment: "relu".to_string(),
            paper: Some(6.0),
            paper_text: "about six times fewer epochs".to_string(),
            also: Vec::new(),
        },
        variants: vec![
            ("relu".to_string(), changes("relu")),
            ("tanh".to_string(), changes("tanh")),
        ],
        search: None,
        ensembles: BTreeMap::new(),
    }
}

/// A finished trial with these training errors; validation error is 1.1 times that.
pub(crate) fn trial(variant: &str, seed: u64, errors: &[f64]) -> Trial {
    let metrics = |top1: f64| {
        BTreeMap::from([
            ("top1_error".to_string(), top1),
            ("top5_error".to_string(), top1 / 4.0),
        ])
    };
    let record = |(index, error): (usize, &f64)| EpochRecord {
        epoch: index + 1,
        learning_rate: 0.01,
        images_per_second: 1234.5,
        exchanged: None,
        gradient_norm: None,
        train: metrics(*error),
        validation: metrics(error * 1.1),
    };
    Trial {
        variant: variant.to_string(),
        seed,
        members: Vec::new(),
        hash: format!("{variant}-{seed}"),
        status: Status::Finished,
        data: "made-up data, 10 classes".to_string(),
        parameters: 145_578,
        history: errors.iter().enumerate().map(record).collect(),
        config: serde_json::Value::Null,
        outputs: None,
        environment: Some(Environment {
            version: "9".to_string(),
            cores: 1,
            ..Environment::default()
        }),
    }
}

/// A finished trial of one epoch with this validation top-1 error.
pub(crate) fn with_final(variant: &str, seed: u64, error: f64) -> Trial {
    let mut trial = trial(variant, seed, &[error]);
    for record in &mut trial.history {
        record.validation.insert("top1_error".to_string(), error);
    }
    trial
}

/// A made-up training curve: error falls from 75% to `floor` with time constant
/// `tau`, with noise by seed.
pub(crate) fn curve(variant: &str, seed: u64, epochs: usize, tau: f64, floor: f64) -> Trial {
    let stream = ablate_core::Stream::new(seed).named(variant);
    let mut draws = 0;
    let mut noise = |size: f64| {
        draws += 1;
        size * (stream.at(draws).key() as f64 / u64::MAX as f64 - 0.5)
    };
    let tau = tau * (1.0 + noise(0.2));
    let mut errors = Vec::new();
    for epoch in 1..=epochs {
        let fallen = (-(epoch as f64 - 0.5) / tau).exp();
        errors.push((floor + (0.75 - floor) * fallen + noise(0.01)).max(0.0));
    }
    let mut trial = trial(variant, seed, &errors);
    for record in &mut trial.history {
        let error = record.train["top1_error"];
        let validation = 0.12 + 0.85 * error + noise(0.03);
        record
            .validation
            .insert("top1_error".to_string(), validation);
    }
    trial
}
