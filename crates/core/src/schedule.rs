//! The learning rate over time.

use serde::{Deserialize, Serialize};

use crate::{Exchanged, PluginConfig, Result};

/// Where in training a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Epochs finished before this one.
    pub epoch: usize,
    /// Steps finished in this epoch.
    pub step: usize,
    /// Steps an epoch has.
    pub steps_per_epoch: usize,
    /// Epochs in the budget.
    pub epochs: usize,
}

/// What one finished epoch measured. Errors are fractions in 0..=1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epochs finished, this one included.
    pub epoch: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Training images per second of wall time, evaluation excluded.
    pub images_per_second: f64,
    /// What workers that share the network handed each other in a training step,
    /// the mean over the epoch's; absent where one does everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Exchanged>,
    /// How long the gradient was; absent where nothing was trained, and in records
    /// from before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<GradientNorm>,
    /// Metrics by name, averaged over the epoch's training batches as they were
    /// trained on (augmented, with dropout).
    pub train: std::collections::BTreeMap<String, f64>,
    /// Metrics by name on the validation split after the epoch.
    pub validation: std::collections::BTreeMap<String, f64>,
}

/// The Euclidean norm of the gradient of all parameters together, before weight decay,
/// over the steps of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientNorm {
    /// Its mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// A learning-rate schedule: a pure function of progress and of what finished
/// epochs measured, so that it has no state to save or to lose.
pub trait Schedule: Send + Sync {
    /// The factor on the optimiser's own learning rate for the coming step.
    fn factor(&self, progress: Progress, history: &[EpochRecord]) -> f64;

    /// The metric whose validation values [`factor`](Self::factor) looks for in
    /// the history; `None` where it looks for none. A trial that does not evaluate
    /// it is refused before it starts, because its rate would never move.
    fn metric(&self) -> Option<&str> {
        None
    }
}

/// The config of a schedule plugin.
pub trait ScheduleConfig: PluginConfig {
    /// Builds the schedule.
    ///
    /// # Errors
    /// A value out of range.
    fn build(&self) -> Result<Box<dyn Schedule>>;
}
