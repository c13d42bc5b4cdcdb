//! The Brier score (Brier 1950), as the plugin `my_plugin`.

use ablate_core::{Metric, MetricConfig, Result, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an experiment can change: nothing. A field here would be a key of the
/// config, its comment what `describe` prints.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {}

// A name that ends in `error` or `accuracy` is shown in percent.
register!(
    metric,
    "my_plugin",
    MyPlugin,
    "squared distance of the probabilities from the truth"
);

impl MetricConfig for MyPlugin {
    fn build(&self) -> Result<Box<dyn Metric>> {
        Ok(Box::new(self.clone()))
    }
}

impl Metric for MyPlugin {
    // The score of one image, lower for a better prediction: the runner takes the mean.
    fn score(&self, log_probabilities: &[f32], target: u32) -> f64 {
        let distance = |(class, log): (usize, &f32)| {
            let truth = f64::from(u8::from(class == target as usize));
            (f64::from(*log).exp() - truth).powi(2)
        };
        log_probabilities.iter().enumerate().map(distance).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_zero_for_the_truth_and_two_for_its_opposite() {
        let certain = [0.0, f32::NEG_INFINITY];
        assert_eq!(MyPlugin {}.score(&certain, 0), 0.0);
        assert_eq!(MyPlugin {}.score(&certain, 1), 2.0);
        let undecided = [0.5_f32.ln(); 2];
        assert!((MyPlugin {}.score(&undecided, 0) - 0.5).abs() < 1e-6);
    }
}
