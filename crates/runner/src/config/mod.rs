//! Configs: layers of TOML, environment and command line, merged by figment.
//!
//! Later layers win: defaults, the files in `configs/` an experiment names, its
//! `[base]`, the files the profile names, the profile, the variant, the profile's
//! own changes to the variant, what a search chose, environment variables
//! (`ABLATE__OPTIMISER__LR=0.01`), `--set key=value`.

mod bounds;
mod choice;
mod ensemble;
mod experiment;
mod file;
mod layer;
mod network;
mod profile;
mod search;
mod shared;
mod tables;
mod trial;
mod variant;

pub use bounds::MOST_SEEDS;
pub use choice::Choice;
pub(crate) use ensemble::differences as ensemble_differences;
pub use experiment::{ExperimentFile, ExperimentTable, Resolved};
pub use layer::Layer;
pub(crate) use layer::without_nulls;
pub use network::{NetworkConfig, model};
pub use search::SearchTable;
pub use tables::{Evaluation, Machine, Training};
pub(crate) use trial::Hashes;
pub use trial::TrialConfig;
pub use variant::{Variant, differences};
