//! The tables of a trial that name no plugin: `[training]`, `[evaluation]`,
//! `[machine]`.

use ablate_core::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DeviceName;

/// How long and in what batches a trial trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Passes over the training images. Source: section 5 (about 90).
    pub epochs: usize,
    /// Images a step. Source: section 5.
    pub batch_size: usize,
    /// Parts of a batch that are worked on one by one, or by as many ranks at once;
    /// their gradients are added up by halves. It changes results by rounding alone,
    /// and the memory a batch takes: 1 works on whole batches.
    pub parts: usize,
    /// Ends the trial after the epoch in which the training top-1 error falls to
    /// this fraction; absent: never.
    pub stop_at_train_error: Option<f64>,
    /// What products are taken of, in training and evaluation.
    pub precision: Precision,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 90,
            batch_size: 128,
            parts: 1,
            stop_at_train_error: None,
            precision: Precision::F32,
        }
    }
}

/// What is measured after each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// Metric plugins, by name.
    pub metrics: Vec<String>,
    /// Images an evaluation batch.
    pub batch_size: usize,
    /// Epochs between evaluations on the validation split; the last epoch is
    /// always evaluated.
    pub every: usize,
    /// Validation images kept with their features when a trial finishes, class by
    /// class in turn. No result depends on it, so changing it trains nothing again:
    /// finished trials keep what they have.
    pub samples: usize,
    /// Training images, drawn at random but the same for every seed, that a finished
    /// trial searches for those nearest to its samples in the last hidden layer; 0
    /// searches none. As with `samples`, no result depends on it.
    /// Source: section 6.1.
    pub gallery: usize,
}

impl Default for Evaluation {
    fn default() -> Self {
        let metrics = ["loss", "top1_error", "top5_error"]
            .map(String::from)
            .to_vec();
        Self {
            metrics,
            batch_size: 256,
            every: 1,
            samples: 200,
            gallery: 1000,
        }
    }
}

/// How the machine is used. Nothing here changes a result, so nothing here
/// enters a trial's hash, but for a device other than the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Machine {
    /// What computes: `cpu`, `cuda` or `cuda:N`. The kinds round differently, so
    /// a trial on a GPU is another trial than the same one on the CPU.
    #[schemars(with = "String")]
    pub device: DeviceName,
    /// Compute threads; 0 takes every core.
    pub threads: usize,
    /// Workers that share the network, each with an equal part of the threads:
    /// 2 gives each tower of a two-GPU net (`towers = "separate"`) its own.
    /// Source: section 3.2.
    pub workers: usize,
    /// Ranks that share each batch, threads of this process with an equal part of the
    /// compute threads: data-parallel training. `training.parts` must be a multiple.
    /// Processes of an MPI world count instead where there is one (docs/parallel.md).
    pub ranks: usize,
    /// Threads that prepare coming batches while one trains.
    pub loader_threads: usize,
    /// Minutes between checkpoints within an epoch; each epoch ends with one.
    pub checkpoint_minutes: f64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            device: DeviceName::Cpu,
            threads: 0,
            workers: 1,
            ranks: 1,
            loader_threads: 1,
            checkpoint_minutes: 5.0,
        }
    }
}
