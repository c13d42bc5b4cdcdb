//! What is known of an experiment and of each of its trials.

use std::collections::BTreeMap;

use ablate_core::EpochRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Search;

/// An experiment as it was run: the claim and how its numbers are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Short name, also the file's: `relu_vs_tanh`.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// The profile that was run: `quick`, `ci`, `paper`.
    pub profile: String,
    /// What the paper claims.
    pub claim: Claim,
    /// The variants in the order the file gives them, with what each changes
    /// (dotted key to value).
    pub variants: Vec<(String, BTreeMap<String, Value>)>,
    /// The search that came before the trials, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// A claim of the paper, and the numbers that answer it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim in one sentence.
    pub text: String,
    /// Where the paper makes it: `3.1, Fig. 1`.
    pub section: String,
    /// The number read off each trial.
    pub measure: Measure,
    /// How two variants are compared.
    pub comparison: Comparison,
    /// The variant the claim starts from (tanh, no LRN).
    pub baseline: String,
    /// The variant claimed to be better (ReLU, LRN).
    pub treatment: String,
    /// The paper's figure in the unit of the comparison; `None` where the paper
    /// gives none and only the direction can be checked.
    #[serde(default)]
    pub paper: Option<f64>,
    /// The paper's own words for its figure: `about six times fewer epochs`.
    #[serde(default)]
    pub paper_text: String,
}

/// A number read off one trial.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// Epochs until the training top-1 error first falls to this fraction,
    /// interpolated linearly between epochs. Lower is better.
    EpochsToTrainError(f64),
    /// A metric on the validation split after the last epoch.
    FinalValidation(String),
    /// A metric on the training split in the last epoch.
    FinalTrain(String),
    /// Validation minus training value of a metric in the last epoch: overfitting.
    FinalGap(String),
}

/// How the treatment is set against the baseline, trial by trial of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Baseline divided by treatment; no effect is 1, the claim says more.
    Ratio,
    /// Treatment minus baseline in percentage points (fractions times 100) ; no
    /// effect is 0, the claim says less.
    Points,
}

/// Which side of "no effect" the claim is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The claimed effect is greater than no effect.
    Greater,
    /// The claimed effect is less than no effect.
    Less,
}

impl Comparison {
    /// The value that means "no effect".
    pub fn null(self) -> f64 {
        match self {
            Self::Ratio => 1.0,
            Self::Points => 0.0,
        }
    }

    /// The side the claim is on.
    pub fn direction(self) -> Direction {
        match self {
            Self::Ratio => Direction::Greater,
            Self::Points => Direction::Less,
        }
    }
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started, or cut off; the same command goes on with it.
    Unfinished,
    /// Ran its whole budget, or reached its stopping target.
    Finished,
    /// The loss was not finite; the history ends before that epoch.
    Diverged {
        /// Epoch in which it happened, counted from 1.
        epoch: usize,
    },
    /// An error ended it.
    Failed {
        /// What the error said.
        message: String,
    },
}

impl Status {
    /// Whether the trial has ended and must not run again.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Finished | Self::Diverged { .. })
    }
}

/// One trial: a variant with a seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The variant's name.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Content hash of the resolved config and seed; names the trial's folder.
    pub hash: String,
    /// How it ended.
    pub status: Status,
    /// The data set's own description of itself.
    pub data: String,
    /// Number of learned values.
    pub parameters: usize,
    /// What each epoch measured, in order.
    pub history: Vec<EpochRecord>,
    /// The resolved config, every default included.
    pub config: Value,
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
            (Status::Diverged { .. }, Self::EpochsToTrainError(_)) => {}
            _ => return Censored::Missing,
        }
        let last = trial.history.last();
        let seen = |value: Option<f64>| value.map_or(Censored::Missing, Censored::Seen);
        match self {
            Self::EpochsToTrainError(target) => epochs_to(&trial.history, *target),
            Self::FinalValidation(metric) => {
                seen(last.and_then(|epoch| epoch.validation.get(metric).copied()))
            }
            Self::FinalTrain(metric) => {
                seen(last.and_then(|epoch| epoch.train.get(metric).copied()))
            }
            Self::FinalGap(metric) => {
                seen(last.and_then(|epoch| {
                    Some(epoch.validation.get(metric)? - epoch.train.get(metric)?)
                }))
            }
        }
    }
}

/// Epochs until `top1_error` on the training split first falls to `target`.
///
/// An epoch's training error is a mean over the epoch, so it stands for the
/// epoch's middle; the crossing is interpolated between those middles. A first
/// epoch already below the target has nothing before it to interpolate from and
/// counts as its middle.
fn epochs_to(history: &[EpochRecord], target: f64) -> Censored {
    let mut before: Option<(f64, f64)> = None;
    for record in history {
        let Some(&error) = record.train.get("top1_error") else {
            return Censored::Missing;
        };
        let at = record.epoch as f64 - 0.5;
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
    Censored::MoreThan(before.map_or(0.0, |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(errors: &[f64]) -> Vec<EpochRecord> {
        let record = |(index, error): (usize, &f64)| EpochRecord {
            epoch: index + 1,
            train: BTreeMap::from([("top1_error".to_string(), *error)]),
            ..EpochRecord::default()
        };
        errors.iter().enumerate().map(record).collect()
    }

    #[test]
    fn crossing_is_interpolated_and_bounded() {
        assert_eq!(
            epochs_to(&history(&[0.5, 0.3, 0.2]), 0.25),
            Censored::Seen(2.0)
        );
        assert_eq!(epochs_to(&history(&[0.2]), 0.25), Censored::Seen(0.5));
        assert_eq!(
            epochs_to(&history(&[0.5, 0.3]), 0.25),
            Censored::MoreThan(1.5)
        );
        assert_eq!(epochs_to(&[], 0.25), Censored::MoreThan(0.0));
    }
}
