//! The plugin contracts of `ablate`, and nothing else.
//!
//! A plugin is a typed, documented config that builds one of seven things: a
//! [`Model`], an [`Augmentation`], an [`Optimiser`], a [`Schedule`], a
//! [`Dataset`], a [`Metric`] or a [`Launcher`]. It registers itself at link time with
//! [`register!`], and the runner finds it by name in the [`registry`].
//!
//! This crate must never know a concrete plugin, a config file, a run store or
//! a kernel: whatever it knew, every plugin author would have to know too.

mod augmentation;
mod by_row;
mod dataset;
mod error;
mod launcher;
mod lock;
mod metric;
mod model;
mod moments;
mod optimiser;
mod parameters;
mod pass;
mod plugin;
mod precision;
pub mod registry;
mod rng;
mod schedule;
mod schema;

pub use augmentation::{Augmentation, AugmentationConfig, AugmentationContext, Image, Phase};
pub use by_row::{ByRow, by_row, row_of};
pub use dataset::{DataContext, Dataset, DatasetConfig, DatasetInfo, Split};
pub use error::{Error, Result};
pub use launcher::{Job, Launcher, LauncherConfig, Resources, TaskState};
pub use lock::FileLock;
pub use metric::{Metric, MetricConfig};
pub use model::{Exchanged, LayerSummary, Model, ModelConfig, ModelContext, ModelSummary};
pub use moments::Moments;
pub use optimiser::{Optimiser, OptimiserConfig, State};
pub use parameters::{Parameter, Parameters};
pub use pass::{Gradients, Pass};
pub use plugin::{Kind, Plugin, PluginConfig};
pub use precision::Precision;
pub use rng::Stream;
pub use schedule::{EpochRecord, GradientNorm, Progress, Schedule, ScheduleConfig};
pub use schema::{Key, keys_of, nearest, resolve};

#[doc(hidden)]
pub use inventory;
