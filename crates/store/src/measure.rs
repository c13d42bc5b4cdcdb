//! Numbers read off single trials.

use ablate_core::EpochRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Status, Trial};

/// The metric that targets are set for, as the paper's Fig. 1 does.
const TARGET_METRIC: &str = "top1_error";

/// A number read off one trial.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// Epochs until the training top-1 error first falls to this fraction,
    /// interpolated linearly between epochs.
    EpochsToTrainError(f64),
    /// Epochs until the validation top-1 error first falls to this fraction,
    /// interpolated linearly between the epochs that were evaluated.
    EpochsToValidationError(f64),
    /// A metric on the validation split after the last epoch.
    FinalValidation(String),
    /// A metric on the training split in the last epoch.
    FinalTrain(String),
    /// Validation minus training value of a metric in the last epoch: overfitting.
    FinalGap(String),
    /// A metric on the training split in an early epoch: how fast learning starts.
    TrainAt(At),
    /// A metric on the validation split after an early epoch, which must be one
    /// that is evaluated.
    ValidationAt(At),
    /// How far the two halves of the first convolution's filters, the towers of a
    /// net that has two, differ in mean chroma (see `docs/verdicts.md`).
    TowerChromaGap,
    /// How many of the training images nearest to a validation image in the last
    /// hidden layer are of its class (see `docs/verdicts.md`).
    RetrievalShare,
}

/// A metric at one epoch.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// The metric's name.
    pub metric: String,
    /// The epoch, counted from 1.
    pub epoch: usize,
}

/// A measured value, or the bound where the budget ended before it was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Censored {
    /// The value.
    Seen(f64),
    /// The true value is greater than this: the target was not reached.
    MoreThan(f64),
    /// There is no value: the trial diverged, failed or has no such metric.
    Missing,
}

impl Measure {
    /// Reads the measure off a trial.
    pub fn of(&self, trial: &Trial) -> Censored {
        match (&trial.status, self) {
            (Status::Finished, _) => {}
            // Diverging is one way of never reaching the target.
            (Status::Diverged { .. }, _) if self.target().is_some() => {}
            _ => return Censored::Missing,
        }
        let history = &trial.history;
        let last = history.last();
        let value: Option<f64> = match self {
            Self::EpochsToTrainError(target) => return epochs_to(trial, *target, training),
            Self::EpochsToValidationError(target) => {
                return epochs_to(trial, *target, validation);
            }
            Self::FinalValidation(metric) => {
                last.and_then(|epoch| epoch.validation.get(metric).copied())
            }
            Self::FinalTrain(metric) => last.and_then(|epoch| epoch.train.get(metric).copied()),
            Self::FinalGap(metric) => last
                .and_then(|epoch| Some(epoch.validation.get(metric)? - epoch.train.get(metric)?)),
            Self::TrainAt(at) => at
                .epoch(history)
                .and_then(|e| e.train.get(&at.metric).copied()),
            Self::ValidationAt(at) => at
                .epoch(history)
                .and_then(|e| e.validation.get(&at.metric).copied()),
            Self::TowerChromaGap => trial
                .outputs
                .as_ref()
                .and_then(|outputs| outputs.filters()?.tower_chroma_gap()),
            Self::RetrievalShare => trial
                .outputs
                .as_ref()
                .and_then(|outputs| Some(outputs.shares()?.features)),
        };
        value.map_or(Censored::Missing, Censored::Seen)
    }

    /// The error to be reached, where epochs to it are counted.
    pub fn target(&self) -> Option<f64> {
        match self {
            Self::EpochsToTrainError(target) | Self::EpochsToValidationError(target) => {
                Some(*target)
            }
            _ => None,
        }
    }

    /// The metric that a trial must evaluate to have this measure; `None` where it
    /// is read off the trial's outputs.
    pub fn metric(&self) -> Option<&str> {
        match self {
            Self::EpochsToTrainError(_) | Self::EpochsToValidationError(_) => Some(TARGET_METRIC),
            Self::FinalValidation(metric) | Self::FinalTrain(metric) | Self::FinalGap(metric) => {
                Some(metric)
            }
            Self::TrainAt(at) | Self::ValidationAt(at) => Some(&at.metric),
            Self::TowerChromaGap | Self::RetrievalShare => None,
        }
    }
}

impl At {
    fn epoch<'a>(&self, history: &'a [EpochRecord]) -> Option<&'a EpochRecord> {
        history.iter().find(|record| record.epoch == self.epoch)
    }
}

/// A moment in epochs and the error that stands for it.
type Point = (f64, f64);

/// An epoch's training error is a mean over the epoch, so it stands for the
/// epoch's middle.
fn training(record: &EpochRecord) -> Option<Point> {
    let error = record.train.get(TARGET_METRIC)?;
    Some((record.epoch as f64 - 0.5, *error))
}

/// The validation error is measured when the epoch has ended.
fn validation(record: &EpochRecord) -> Option<Point> {
    let error = record.validation.get(TARGET_METRIC)?;
    Some((record.epoch as f64, *error))
}

/// Epochs until an error first falls to `target`, interpolated between the
/// epochs that have one.
///
/// A first error already at the target has nothing before it to interpolate from
/// and counts as its own moment. A trial that diverged before any error was measured
/// bounds nothing, but it is no trial without a measure.
fn epochs_to(trial: &Trial, target: f64, point: fn(&EpochRecord) -> Option<Point>) -> Censored {
    let mut before: Option<Point> = None;
    for (at, error) in trial.history.iter().filter_map(point) {
        if error <= target {
            return Censored::Seen(match before {
                Some((earlier, above)) => {
                    earlier + (at - earlier) * (above - target) / (above - error)
                }
                None => at,
            });
        }
        before = Some((at, error));
    }
    match before {
        Some((at, _)) => Censored::MoreThan(at),
        None => match trial.status {
            Status::Diverged { .. } => Censored::MoreThan(0.0),
            _ => Censored::Missing,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn history(errors: &[f64]) -> Vec<EpochRecord> {
        let top1 = |error: f64| BTreeMap::from([("top1_error".to_string(), error)]);
        let record = |(index, error): (usize, &f64)| EpochRecord {
            epoch: index + 1,
            train: top1(*error),
            validation: top1(error + 0.1),
            ..EpochRecord::default()
        };
        errors.iter().enumerate().map(record).collect()
    }

    fn trial(errors: &[f64]) -> Trial {
        Trial {
            variant: "relu".to_string(),
            seed: 0,
            members: Vec::new(),
            hash: String::new(),
            status: Status::Finished,
            data: String::new(),
            parameters: 1,
            history: history(errors),
            config: serde_json::Value::Null,
            outputs: None,
            environment: None,
        }
    }

    #[test]
    fn crossing_is_interpolated_and_bounded() {
        let to = |errors: &[f64]| epochs_to(&trial(errors), 0.25, training);
        assert_eq!(to(&[0.5, 0.3, 0.2]), Censored::Seen(2.0));
        assert_eq!(to(&[0.2]), Censored::Seen(0.5));
        assert_eq!(to(&[0.5, 0.3]), Censored::MoreThan(1.5));
        let mut bare = trial(&[0.5]);
        bare.history[0].train.clear();
        assert_eq!(epochs_to(&bare, 0.25, training), Censored::Missing);
    }

    #[test]
    fn a_trial_that_diverged_before_it_was_evaluated_missed_the_target() {
        let measure = Measure::EpochsToValidationError(0.25);
        for errors in [&[][..], &[0.9, 0.9]] {
            let mut early = trial(errors);
            early.status = Status::Diverged {
                epoch: errors.len() + 1,
            };
            for record in &mut early.history {
                record.validation.clear();
            }
            assert_eq!(measure.of(&early), Censored::MoreThan(0.0));
        }
    }

    #[test]
    fn validation_errors_stand_for_the_end_of_evaluated_epochs() {
        // Validation errors 0.6, none, 0.3, evaluated every other epoch.
        let mut trial = trial(&[0.5, 0.3, 0.2]);
        trial.history[1].validation.clear();
        let to = |target| epochs_to(&trial, target, validation);
        assert!(matches!(to(0.45), Censored::Seen(at) if (at - 2.0).abs() < 1e-12));
        assert_eq!(to(0.1), Censored::MoreThan(3.0));
    }

    #[test]
    fn a_metric_is_read_at_its_epoch() {
        let at = |epoch| At {
            metric: "top1_error".to_string(),
            epoch,
        };
        let trial = trial(&[0.5, 0.25]);
        assert_eq!(Measure::TrainAt(at(1)).of(&trial), Censored::Seen(0.5));
        assert_eq!(
            Measure::ValidationAt(at(2)).of(&trial),
            Censored::Seen(0.35)
        );
        assert_eq!(Measure::TrainAt(at(3)).of(&trial), Censored::Missing);
    }

    #[test]
    fn measures_read_as_toml_would_have_them() {
        let read = |value| serde_json::from_value::<Measure>(value);
        let at = serde_json::json!({ "train_at": { "metric": "loss", "epoch": 2 } });
        assert!(matches!(
            read(at),
            Ok(Measure::TrainAt(At { epoch: 2, .. }))
        ));
        let wrong = serde_json::json!({ "train_at": { "metric": "loss", "epoc": 2 } });
        assert!(read(wrong).is_err());
    }
}
