//! A measure read off every trial of a variant, and what to call it.

use ablate_store::{Censored, Measure, Trial};

use crate::number::{self, Unit};
use crate::statistics::{Sample, mean};
use crate::trials::Group;

/// The measure of one trial, with numbers that are not finite taken as missing.
pub(crate) fn read(measure: &Measure, trial: &Trial) -> Censored {
    match measure.of(trial) {
        Censored::Seen(value) | Censored::MoreThan(value) if !value.is_finite() => {
            Censored::Missing
        }
        value => value,
    }
}

/// What a measure is counted in.
pub fn unit(measure: &Measure) -> Unit {
    match measure {
        _ if measure.target().is_some() => Unit::Epochs,
        _ if measure.metric().is_none_or(is_fraction) => Unit::Percent,
        _ => Unit::Plain,
    }
}

/// The heading of a measure: `validation top-1 error (%)`.
pub fn heading(measure: &Measure) -> String {
    let percent = |target: &f64| number::exact(*target, Unit::Percent);
    let name = match measure {
        Measure::EpochsToTrainError(target) => {
            format!("epochs to {} training error", percent(target))
        }
        Measure::EpochsToValidationError(target) => {
            format!("epochs to {} validation error", percent(target))
        }
        Measure::FinalValidation(metric) => format!("validation {}", metric_name(metric)),
        Measure::FinalTrain(metric) => format!("training {}", metric_name(metric)),
        Measure::FinalGap(metric) => format!("validation - training {}", metric_name(metric)),
        Measure::TrainAt(at) => {
            format!("training {} in epoch {}", metric_name(&at.metric), at.epoch)
        }
        Measure::ValidationAt(at) => {
            format!(
                "validation {} after epoch {}",
                metric_name(&at.metric),
                at.epoch
            )
        }
        Measure::TowerChromaGap => "chroma gap between towers".to_string(),
        Measure::RetrievalShare => "nearest images of the same class".to_string(),
    };
    match unit(measure) {
        Unit::Percent => format!("{name} (%)"),
        _ => name,
    }
}

/// The name of a measure in files for machines: `validation_top1_error`.
pub fn key(measure: &Measure) -> String {
    match measure {
        Measure::EpochsToTrainError(target) => format!("epochs_to_train_error_{target}"),
        Measure::EpochsToValidationError(target) => {
            format!("epochs_to_validation_error_{target}")
        }
        Measure::FinalValidation(metric) => format!("validation_{metric}"),
        Measure::FinalTrain(metric) => format!("train_{metric}"),
        Measure::FinalGap(metric) => format!("gap_{metric}"),
        Measure::TrainAt(at) => format!("train_{}_epoch_{}", at.metric, at.epoch),
        Measure::ValidationAt(at) => format!("validation_{}_epoch_{}", at.metric, at.epoch),
        Measure::TowerChromaGap => "tower_chroma_gap".to_string(),
        Measure::RetrievalShare => "retrieval_share".to_string(),
    }
}

/// `top1_error` as `top-1 error`.
pub(crate) fn metric_name(metric: &str) -> String {
    let words = metric
        .split('_')
        .map(|word| match word.strip_prefix("top") {
            Some(k) if !k.is_empty() && k.chars().all(|c| c.is_ascii_digit()) => format!("top-{k}"),
            _ => word.to_string(),
        });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a metric is a share of images.
pub(crate) fn is_fraction(metric: &str) -> bool {
    metric.ends_with("error") || metric.ends_with("accuracy")
}

/// A measure over the trials of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub measure: Measure,
    /// The values seen, in order of seed.
    pub seen: Vec<f64>,
    /// For trials that ended before the target: the true value is greater.
    pub more_than: Vec<f64>,
}

impl Reading {
    pub(crate) fn of(measure: &Measure, group: &Group) -> Self {
        let mut reading = Self {
            measure: measure.clone(),
            seen: Vec::new(),
            more_than: Vec::new(),
        };
        for trial in group.trials.values() {
            match read(measure, trial) {
                Censored::Seen(value) => reading.seen.push(value),
                Censored::MoreThan(bound) => reading.more_than.push(bound),
                Censored::Missing => {}
            }
        }
        reading
    }

    /// Whether no trial has a value or a bound.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.more_than.is_empty()
    }

    /// Mean and spread, where every value was seen.
    pub fn sample(&self) -> Option<Sample> {
        match self.more_than.is_empty() {
            true => Sample::of(&self.seen),
            false => None,
        }
    }

    /// What the mean is greater than, where some values are only bounds.
    pub fn lower_bound(&self) -> Option<f64> {
        if self.more_than.is_empty() {
            return None;
        }
        let least: Vec<f64> = self.seen.iter().chain(&self.more_than).copied().collect();
        Some(mean(&least))
    }

    /// The cell of a table: `12.34 ± 0.56 [10.95, 13.73]`, or
    /// `> 14.2 (reached by 1 of 3)`, or `-`.
    pub fn text(&self) -> String {
        let unit = unit(&self.measure);
        if let Some(bound) = self.lower_bound() {
            let of = self.seen.len() + self.more_than.len();
            let reached = match self.seen.len() {
                0 => "not reached".to_string(),
                n => format!("reached by {n} of {of}"),
            };
            return format!("> {} ({reached})", number::estimate(bound, None, unit));
        }
        self.sample()
            .map_or("-".to_string(), |sample| number::sample(&sample, unit))
    }
}

#[cfg(test)]
mod tests {
    use ablate_store::At;

    use super::*;

    fn reading(measure: Measure, seen: &[f64], more_than: &[f64]) -> Reading {
        Reading {
            measure,
            seen: seen.to_vec(),
            more_than: more_than.to_vec(),
        }
    }

    #[test]
    fn headings_name_what_is_measured() {
        let epochs = Measure::EpochsToTrainError(0.25);
        assert_eq!(heading(&epochs), "epochs to 25% training error");
        let top5 = Measure::FinalValidation("top5_error".to_string());
        assert_eq!(heading(&top5), "validation top-5 error (%)");
        let gap = Measure::FinalGap("loss".to_string());
        assert_eq!(heading(&gap), "validation - training loss");
        assert_eq!(key(&gap), "gap_loss");
        let early = Measure::TrainAt(At {
            metric: "top1_error".to_string(),
            epoch: 2,
        });
        assert_eq!(heading(&early), "training top-1 error in epoch 2 (%)");
        assert_eq!(key(&early), "train_top1_error_epoch_2");
        let slow = Measure::EpochsToValidationError(0.3);
        assert_eq!(heading(&slow), "epochs to 30% validation error");
        assert_eq!(
            (key(&slow).as_str(), unit(&slow)),
            ("epochs_to_validation_error_0.3", Unit::Epochs)
        );
        assert_eq!(metric_name("top_error"), "top error");
    }

    #[test]
    fn bounds_are_shown_as_bounds() {
        let epochs = || Measure::EpochsToTrainError(0.25);
        assert_eq!(
            reading(epochs(), &[], &[19.5]).text(),
            "> 19.5 (not reached)"
        );
        assert_eq!(
            reading(epochs(), &[10.5], &[19.5, 19.5]).text(),
            "> 16.5 (reached by 1 of 3)"
        );
        assert_eq!(reading(epochs(), &[], &[]).text(), "-");
        assert_eq!(reading(epochs(), &[4.25], &[]).text(), "4.2");
    }

    #[test]
    fn a_number_that_is_none_is_missing() {
        let measure = Measure::FinalTrain("top1_error".to_string());
        let trial = crate::fixture::trial("relu", 1, &[0.5, f64::NAN]);
        assert_eq!(read(&measure, &trial), Censored::Missing);
    }
}
