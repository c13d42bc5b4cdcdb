//! The tables of a trial that name no plugin: `[training]`, `[evaluation]`,
//! `[machine]`.

use std::num::NonZeroUsize;

use ablate_core::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DeviceName;

/// The key of a value out of its range, what is wrong with it, and the fix.
type Misfit = (&'static str, String, &'static str);

/// More epochs than any schedule has.
pub(super) const MOST_EPOCHS: usize = 1_000_000;
/// More images a batch than any data set has.
const LARGEST_BATCH: usize = 1 << 24;
/// More threads than any machine has.
const MOST_THREADS: usize = 4096;
/// A year.
const MOST_MINUTES: f64 = 525_600.0;

/// How long and in what batches a trial trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Passes over the training images. Source: section 5 (about 90).
    pub epochs: usize,
    /// Images a step. Source: section 5.
    pub batch_size: usize,
    /// Parts of a batch (micro-batches) that are worked on one by one, or by as many ranks
    /// at once; their gradients are accumulated, added up by halves. It changes results by
    /// rounding alone, and the memory a batch takes: 1 works on whole batches.
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

impl Training {
    /// Steps of an epoch over so many images; the last may be of fewer.
    pub(crate) fn steps(&self, images: usize) -> usize {
        images.div_ceil(self.batch_size)
    }

    /// The first key that is out of range.
    pub(super) fn misfit(&self) -> Option<Misfit> {
        let fraction = self.stop_at_train_error.unwrap_or(0.0);
        if self.epochs == 0 {
            let problem = "0 epochs train nothing".to_string();
            Some(("training.epochs", problem, "give 1 or more"))
        } else if self.epochs > MOST_EPOCHS {
            let problem = format!("{} epochs never end", self.epochs);
            Some(("training.epochs", problem, "give 1000000 at most"))
        } else if !(0.0..=1.0).contains(&fraction) {
            let problem = "an error rate lies in 0..=1".to_string();
            let fix = "give a fraction: 0.25 for 25%";
            Some(("training.stop_at_train_error", problem, fix))
        } else {
            batch("training.batch_size", self.batch_size)
        }
    }
}

fn batch(key: &'static str, images: usize) -> Option<Misfit> {
    if images == 0 {
        Some((key, "a batch needs an image".to_string(), "give 1 or more"))
    } else if images > LARGEST_BATCH {
        let problem = format!("{images} images are more than any data set has");
        Some((key, problem, "give 16777216 at most"))
    } else {
        None
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

impl Evaluation {
    /// The first key that is out of range.
    pub(super) fn misfit(&self) -> Option<Misfit> {
        if self.every == 0 {
            let problem = "0 epochs apart is never".to_string();
            return Some(("evaluation.every", problem, "give 1 or more"));
        }
        batch("evaluation.batch_size", self.batch_size)
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
    /// Compute threads, 4096 at most; 0 takes every core.
    pub threads: usize,
    /// Workers that share the network, each with an equal part of the threads:
    /// 2 gives each tower of a two-GPU net (`towers = "separate"`) its own.
    /// Source: section 3.2.
    pub workers: usize,
    /// Ranks that share each batch, threads of this process with an equal part of the
    /// compute threads: data-parallel training. `training.parts` must be as many, or a
    /// multiple of a power of two.
    /// Processes of an MPI world count instead where there is one (docs/parallel.md).
    pub ranks: usize,
    /// Threads that prepare coming batches while one trains; 0 takes one where the cores
    /// compute, and every core where a GPU does.
    pub loader_threads: usize,
    /// Minutes between checkpoints within an epoch, up to a year; 0 makes one after
    /// every step. Each epoch ends with one.
    pub checkpoint_minutes: f64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            device: DeviceName::Cpu,
            threads: 0,
            workers: 1,
            ranks: 1,
            loader_threads: 0,
            checkpoint_minutes: 5.0,
        }
    }
}

impl Machine {
    /// Threads that prepare coming batches.
    pub(crate) fn loaders(&self) -> usize {
        match (self.loader_threads, self.device) {
            (0, DeviceName::Cpu) => 1,
            (0, DeviceName::Cuda { .. }) => {
                let cores = std::thread::available_parallelism();
                cores.map_or(1, NonZeroUsize::get).min(MOST_THREADS)
            }
            (given, _) => given,
        }
    }

    /// The first key that is out of range.
    pub(super) fn misfit(&self) -> Option<Misfit> {
        if self.workers == 0 {
            let problem = "nobody would compute".to_string();
            let fix = "give 1, or 2 for a network with separate towers";
            return Some(("machine.workers", problem, fix));
        }
        if self.ranks == 0 {
            let problem = "nobody would train".to_string();
            return Some(("machine.ranks", problem, "give 1 or more"));
        }
        let counts = [
            ("machine.threads", self.threads),
            ("machine.workers", self.workers),
            ("machine.ranks", self.ranks),
            ("machine.loader_threads", self.loader_threads),
        ];
        if let Some((key, count)) = counts.into_iter().find(|(_, count)| *count > MOST_THREADS) {
            let problem = format!("{count} are more than any machine has");
            return Some((key, problem, "give about as many as there are cores"));
        }
        let minutes = self.checkpoint_minutes;
        (!(0.0..=MOST_MINUTES).contains(&minutes)).then(|| {
            let problem = format!("{minutes} minutes");
            let fix = "give 0, for a checkpoint after every step, up to a year of 525600 minutes";
            ("machine.checkpoint_minutes", problem, fix)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_loads_where_a_gpu_trains() {
        let loaders = |device, loader_threads| {
            let machine = Machine {
                device,
                loader_threads,
                ..Machine::default()
            };
            assert_eq!(machine.misfit(), None);
            machine.loaders()
        };
        let gpu = DeviceName::Cuda { ordinal: 0 };
        let cores = std::thread::available_parallelism().expect("known here");
        assert_eq!(loaders(DeviceName::Cpu, 0), 1);
        assert_eq!(loaders(gpu, 0), cores.get());
        assert_eq!([loaders(DeviceName::Cpu, 3), loaders(gpu, 3)], [3, 3]);
    }

    #[test]
    fn values_out_of_range_are_refused_with_their_key() {
        let training = Training::default;
        let evaluation = Evaluation::default;
        let machine = Machine::default;
        assert_eq!(training().misfit(), None);
        assert_eq!(evaluation().misfit(), None);
        assert_eq!(machine().misfit(), None);
        let key = |misfit: Option<Misfit>| misfit.map(|(key, _, _)| key);
        for epochs in [0, MOST_EPOCHS + 1, usize::MAX] {
            let found = Training {
                epochs,
                ..training()
            }
            .misfit();
            assert_eq!(key(found), Some("training.epochs"), "{epochs}");
        }
        for batch_size in [0, usize::MAX] {
            let found = Training {
                batch_size,
                ..training()
            }
            .misfit();
            assert_eq!(key(found), Some("training.batch_size"));
            let found = Evaluation {
                batch_size,
                ..evaluation()
            }
            .misfit();
            assert_eq!(key(found), Some("evaluation.batch_size"));
        }
        for error in [-0.1, 1.1, f64::NAN] {
            let found = Training {
                stop_at_train_error: Some(error),
                ..training()
            }
            .misfit();
            assert_eq!(key(found), Some("training.stop_at_train_error"));
        }
        let found = Evaluation {
            every: 0,
            ..evaluation()
        }
        .misfit();
        assert_eq!(key(found), Some("evaluation.every"));
        for workers in [0, usize::MAX] {
            let found = Machine {
                workers,
                ..machine()
            }
            .misfit();
            assert_eq!(key(found), Some("machine.workers"));
        }
        for ranks in [0, usize::MAX] {
            let found = Machine { ranks, ..machine() }.misfit();
            assert_eq!(key(found), Some("machine.ranks"));
        }
        for loader_threads in [MOST_THREADS + 1, 1_000_000_000] {
            let found = Machine {
                loader_threads,
                ..machine()
            }
            .misfit();
            assert_eq!(key(found), Some("machine.loader_threads"));
        }
        let found = Machine {
            threads: 1_000_000_000,
            ..machine()
        }
        .misfit();
        assert_eq!(key(found), Some("machine.threads"));
        for checkpoint_minutes in [-1.0, 1e30, f64::NAN] {
            let found = Machine {
                checkpoint_minutes,
                ..machine()
            }
            .misfit();
            assert_eq!(key(found), Some("machine.checkpoint_minutes"));
        }
    }
}
