//! Numbers taken from predictions.

use crate::{PluginConfig, Result};

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Lower is better.
    Minimise,
    /// Higher is better.
    Maximise,
}

/// A score of one image; the metric is its mean over images.
///
/// The runner takes the mean, so a metric has no state to reset, to save in a
/// checkpoint or to get wrong when batches differ in size.
pub trait Metric: Send + Sync {
    /// Which way the metric improves.
    fn goal(&self) -> Goal {
        Goal::Minimise
    }

    /// The score of one image: `log_probabilities` by class, `target` its label.
    fn score(&self, log_probabilities: &[f32], target: u32) -> f64;
}

/// The config of a metric plugin.
pub trait MetricConfig: PluginConfig {
    /// Builds the metric.
    ///
    /// # Errors
    /// A value out of range.
    fn build(&self) -> Result<Box<dyn Metric>>;
}
