//! Numbers taken from predictions.

use crate::{PluginConfig, Result};

/// A score of one image; the metric is its mean over images. Lower is better:
/// schedules, searches and verdicts read it so. An accuracy is scored as an error.
///
/// The runner takes the mean, so a metric has no state to reset, to save in a
/// checkpoint or to get wrong when batches differ in size.
///
/// A metric whose name ends in `error` or `accuracy` is taken for a share of images,
/// from 0 to 1: reports show it in percent and its differences in percentage points.
pub trait Metric: Send + Sync {
    /// The score of one image, lower for a better prediction: `log_probabilities` by
    /// class, `target` its label.
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
