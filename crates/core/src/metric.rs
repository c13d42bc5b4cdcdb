//! Numbers taken from predictions.

use crate::{PluginConfig, Result};

/// A batch of predictions with their targets.
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'a> {
    /// Class log-probabilities `[N, classes]`, row-major.
    pub log_probabilities: &'a [f32],
    /// Labels `[N]`.
    pub targets: &'a [u32],
    /// Number of classes.
    pub classes: usize,
}

impl<'a> Predictions<'a> {
    /// Each image's log-probabilities with its target.
    pub fn rows(self) -> impl Iterator<Item = (&'a [f32], u32)> {
        self.log_probabilities
            .chunks_exact(self.classes)
            .zip(self.targets.iter().copied())
    }
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Lower is better.
    Minimise,
    /// Higher is better.
    Maximise,
}

/// A mean over images, accumulated batch by batch.
pub trait Metric: Send {
    /// Which way the metric improves.
    fn goal(&self) -> Goal {
        Goal::Minimise
    }

    /// Adds a batch.
    fn update(&mut self, batch: Predictions);

    /// The value over all batches so far; NaN before the first.
    fn value(&self) -> f64;
}

/// The config of a metric plugin.
pub trait MetricConfig: PluginConfig {
    /// Builds an empty accumulator.
    ///
    /// # Errors
    /// A value out of range.
    fn build(&self) -> Result<Box<dyn Metric>>;
}
