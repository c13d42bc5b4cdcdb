//! The cross-entropy that training minimises.

use ablate_core::{Metric, MetricConfig, Result, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The negative log-probability of the label, in nats: its mean is the
/// multinomial logistic regression objective of the paper (section 3.5). Weight
/// decay is not in it.
///
/// Infinite where the label has probability 0; not a number where the prediction
/// is not one or has no such class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {}

impl MetricConfig for Loss {
    fn build(&self) -> Result<Box<dyn Metric>> {
        Ok(Box::new(self.clone()))
    }
}

impl Metric for Loss {
    fn score(&self, log_probabilities: &[f32], target: u32) -> f64 {
        match log_probabilities.get(target as usize) {
            Some(log_probability) => -f64::from(*log_probability),
            None => f64::NAN,
        }
    }
}

register!(metric, "loss", Loss, "the mean cross-entropy, in nats");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_cross_entropy_by_hand() {
        let row = [0.5f32.ln(), 0.25f32.ln(), 0.25f32.ln()];
        assert!((Loss {}.score(&row, 0) - 2f64.ln()).abs() < 1e-7);
        assert!((Loss {}.score(&row, 2) - 4f64.ln()).abs() < 1e-7);
    }

    #[test]
    fn hopeless_predictions_stay_visible() {
        assert_eq!(Loss {}.score(&[f32::NEG_INFINITY, 0.0], 0), f64::INFINITY);
        assert!(Loss {}.score(&[f32::NAN, 0.0], 0).is_nan());
        assert!(Loss {}.score(&[0.0], 1).is_nan());
    }
}
