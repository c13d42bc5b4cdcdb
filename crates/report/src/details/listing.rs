//! The trials one by one, those that ended badly or were never run among them.

use ablate_store::{Status, Trial, trial_name};

use crate::number;
use crate::reading::{self, Reading};
use crate::side::seeds;
use crate::statistics::mean;
use crate::summary::VariantSummary;
use crate::trials::Trials;

/// One trial as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    /// Its variant.
    pub(crate) variant: String,
    /// Its seed; of a group, the members'.
    pub(crate) seeds: Vec<u64>,
    /// What became of it.
    pub(crate) ended: Ended,
    /// Epochs it ran.
    pub(crate) epochs: usize,
    /// The report's measures, each as text, in the order of the table of variants.
    pub(crate) values: Vec<String>,
    /// Training images a second, the mean over its epochs.
    pub(crate) images_per_second: Option<f64>,
    /// The name of its folder; empty where it was not run.
    pub(crate) folder: String,
}

/// What became of a trial.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ended {
    Finished,
    Diverged { epoch: usize },
    Failed { message: String },
    Unfinished,
    NotRun,
}

impl Ended {
    /// Whether it ran to its end.
    pub(crate) fn is_well(&self) -> bool {
        *self == Self::Finished
    }

    /// In words, marked where it is not as it should be.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Finished => "finished".to_string(),
            Self::Diverged { epoch } => format!("✗ diverged in epoch {epoch}"),
            Self::Failed { message } => format!("✗ failed: {}", message.trim()),
            Self::Unfinished => "… unfinished".to_string(),
            Self::NotRun => "– not run".to_string(),
        }
    }
}

impl From<&Status> for Ended {
    fn from(status: &Status) -> Self {
        match status {
            Status::Finished => Self::Finished,
            Status::Diverged { epoch } => Self::Diverged { epoch: *epoch },
            Status::Failed { message } => Self::Failed {
                message: message.clone(),
            },
            Status::Unfinished => Self::Unfinished,
        }
    }
}

/// Every trial, variant by variant.
pub(crate) fn listed(trials: &Trials, variants: &[VariantSummary]) -> Vec<Listed> {
    let readings = variants.first().map_or(&[][..], |v| &v.readings);
    let mut listed = Vec::new();
    for group in &trials.groups {
        let run = group.trials.values().map(|trial| of(trial, readings));
        listed.extend(run);
        let missing = trials.seeds.iter();
        let missing = missing
            .filter(|seed| group.ensemble.is_none() && !group.trials.contains_key(seed))
            .map(|seed| Listed {
                variant: group.name.to_string(),
                seeds: vec![*seed],
                ended: Ended::NotRun,
                epochs: 0,
                values: vec!["-".to_string(); readings.len()],
                images_per_second: None,
                folder: String::new(),
            });
        listed.extend(missing);
    }
    listed
}

fn of(trial: &Trial, readings: &[Reading]) -> Listed {
    let speeds = trial.history.iter().map(|record| record.images_per_second);
    let speeds: Vec<f64> = speeds.filter(|s| s.is_finite() && *s > 0.0).collect();
    let value = |reading: &Reading| {
        let measure = &reading.measure;
        number::censored(reading::read(measure, trial), reading::unit(measure))
    };
    Listed {
        variant: trial.variant.clone(),
        seeds: seeds(trial),
        ended: (&trial.status).into(),
        epochs: trial.history.last().map_or(0, |record| record.epoch),
        values: readings.iter().map(value).collect(),
        images_per_second: (!speeds.is_empty()).then(|| mean(&speeds)),
        folder: trial_name(&trial.variant, trial.seed, &trial.hash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Report;
    use crate::fixture::{experiment, trial};

    #[test]
    fn what_became_of_every_trial_is_told() {
        let mut trials = vec![
            trial("relu", 1, &[0.5, 0.2]),
            trial("relu", 2, &[0.5]),
            trial("tanh", 1, &[]),
        ];
        trials[1].status = Status::Diverged { epoch: 2 };
        trials[2].status = Status::Failed {
            message: "disk full\n".to_string(),
        };
        let report = Report::new(&experiment(), &trials).expect("a report");
        let listed = &report.details.trials;
        let ends: Vec<String> = listed.iter().map(|trial| trial.ended.text()).collect();
        let told = [
            "finished",
            "✗ diverged in epoch 2",
            "✗ failed: disk full",
            "– not run",
        ];
        assert_eq!(ends, told);
        assert_eq!(listed[0].values[0], "1.3");
        assert_eq!(listed[1].values[0], "> 0.5");
        assert_eq!(listed[3].values[0], "-");
        assert_eq!(listed[0].folder, "relu-seed1-relu-1");
    }
}
