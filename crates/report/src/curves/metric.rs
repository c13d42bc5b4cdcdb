//! What a panel shows: a metric on one of the splits, epoch by epoch.

use ablate_core::EpochRecord;
use ablate_store::{Claim, Measure};

use super::lines::Point;
use crate::number::Unit;
use crate::reading;
use crate::trials::{Trials, distinct};

/// The metric shown where the claim is about none, as the paper's Fig. 1 shows it.
const DEFAULT: &str = "top1_error";

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Training,
    Validation,
}

/// A metric on a split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) split: Split,
}

impl Metric {
    /// Those that the claims are about, on the training and the validation split.
    pub(crate) fn of(claims: &[Claim]) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for claim in claims {
            let name = claim.measure.metric().unwrap_or(DEFAULT);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().flat_map(Self::both).collect()
    }

    /// Those that the claims are about, then all others that a trial recorded.
    pub(crate) fn all(claims: &[Claim], trials: &Trials) -> Vec<Self> {
        let mut metrics = Self::of(claims);
        let records = trials.all().flat_map(|trial| &trial.history);
        let names = records.flat_map(|record| record.train.keys().chain(record.validation.keys()));
        for name in distinct(names) {
            if metrics.iter().all(|metric| metric.name != *name) {
                metrics.extend(Self::both(name));
            }
        }
        metrics
    }

    fn both(name: &str) -> [Self; 2] {
        [Split::Training, Split::Validation].map(|split| Self {
            name: name.to_string(),
            split,
        })
    }

    /// What the values are shown in.
    pub(crate) fn unit(&self) -> Unit {
        match reading::is_fraction(&self.name) {
            true => Unit::Percent,
            false => Unit::Plain,
        }
    }

    /// The axis' label: `Top-1 error (%)`.
    pub(crate) fn label(&self) -> String {
        let name = reading::metric_name(&self.name);
        let mut letters = name.chars();
        let first = letters.next().map(|letter| letter.to_uppercase());
        let name: String = first.into_iter().flatten().chain(letters).collect();
        match self.unit() {
            Unit::Percent => format!("{name} (%)"),
            _ => name,
        }
    }

    /// Its value in an epoch, as shown.
    ///
    /// A training value is a mean over the epoch, so it belongs to the epoch's
    /// middle; the validation value is measured when the epoch has ended.
    pub(crate) fn point(&self, record: &EpochRecord) -> Option<Point> {
        let (epoch, values) = match self.split {
            Split::Training => (record.epoch as f64 - 0.5, &record.train),
            Split::Validation => (record.epoch as f64, &record.validation),
        };
        let shown = self.unit().factor() * values.get(&self.name)?;
        shown.is_finite().then_some((epoch, shown))
    }

    /// The claim that wants this metric brought to a target, and the target as
    /// shown.
    pub(crate) fn target<'a>(&self, claims: &'a [Claim]) -> Option<(&'a Claim, f64)> {
        claims.iter().find_map(|claim| {
            let split = match claim.measure {
                Measure::EpochsToTrainError(_) => Split::Training,
                Measure::EpochsToValidationError(_) => Split::Validation,
                _ => return None,
            };
            let target = self.unit().factor() * claim.measure.target()?;
            let is_ours = claim.measure.metric() == Some(&*self.name) && split == self.split;
            (is_ours && target.is_finite()).then_some((claim, target))
        })
    }
}
