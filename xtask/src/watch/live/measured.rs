//! What the curves show: one of the numbers that each epoch measures.

use ablate_core::EpochRecord;
use ablate_report::reading::{heading, unit};
use ablate_store::Measure;

/// A number that an epoch measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    /// A metric on the training images.
    Training(String),
    /// A metric on the validation images.
    Validation(String),
    /// The learning rate of the epoch's last step.
    LearningRate,
    /// Training images a second.
    Speed,
}

impl Measured {
    /// Everything there is to see where these metrics are evaluated beside the loss.
    pub fn all(metrics: &[String]) -> Vec<Self> {
        let mut all = vec![Self::Training(LOSS.to_string())];
        for metric in metrics.iter().filter(|metric| *metric != LOSS) {
            all.extend([
                Self::Validation(metric.clone()),
                Self::Training(metric.clone()),
            ]);
        }
        all.push(Self::Validation(LOSS.to_string()));
        all.extend([Self::LearningRate, Self::Speed]);
        all
    }

    /// `validation top-1 error (%)`
    pub fn title(&self) -> String {
        match self {
            Self::Training(metric) => heading(&Measure::FinalTrain(metric.clone())),
            Self::Validation(metric) => heading(&Measure::FinalValidation(metric.clone())),
            Self::LearningRate => "learning rate".to_string(),
            Self::Speed => "images/s".to_string(),
        }
    }

    /// Whether it is the number that every step has, too.
    pub fn is_step_loss(&self) -> bool {
        matches!(self, Self::Training(metric) if metric == LOSS)
    }

    /// Where an epoch's value lies on the axis of epochs, and the value as shown. A
    /// training value is a mean over the epoch, so it belongs to the epoch's middle.
    pub fn point(&self, record: &EpochRecord) -> Option<(f64, f64)> {
        let end = record.epoch as f64;
        let (epoch, value) = match self {
            Self::Training(metric) => (end - 0.5, shown(metric, *record.train.get(metric)?)),
            Self::Validation(metric) => (end, shown(metric, *record.validation.get(metric)?)),
            Self::LearningRate => (end, record.learning_rate),
            Self::Speed => (end - 0.5, record.images_per_second),
        };
        value.is_finite().then_some((epoch, value))
    }
}

/// The metric that a model is trained by.
const LOSS: &str = "loss";

/// Fractions are shown in percent, as the title says.
fn shown(metric: &str, value: f64) -> f64 {
    value * unit(&Measure::FinalTrain(metric.to_string())).factor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_where_it_was_measured_in_the_unit_of_its_title() {
        let record = EpochRecord {
            epoch: 3,
            learning_rate: 0.01,
            images_per_second: 2000.0,
            train: [("loss".to_string(), 1.5), ("top1_error".to_string(), 0.25)].into(),
            validation: [("top1_error".to_string(), 0.5)].into(),
            ..EpochRecord::default()
        };
        let all = Measured::all(&["top1_error".to_string()]);
        let seen: Vec<_> = all
            .iter()
            .map(|measured| (measured.title(), measured.point(&record)))
            .collect();
        let expected = [
            ("training loss", Some((2.5, 1.5))),
            ("validation top-1 error (%)", Some((3.0, 50.0))),
            ("training top-1 error (%)", Some((2.5, 25.0))),
            ("validation loss", None),
            ("learning rate", Some((3.0, 0.01))),
            ("images/s", Some((2.5, 2000.0))),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(title, point)| (title.to_string(), point))
            .collect();
        assert_eq!(seen, expected);
    }
}
