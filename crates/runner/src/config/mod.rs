//! Configs: layers of TOML, environment and command line, merged by figment.
//!
//! Later layers win: defaults, the files in `configs/` an experiment names, its
//! `[base]`, the profile, the variant, the profile's own changes to the variant,
//! environment variables (`ABLATE__OPTIMISER__LR=0.01`), `--set key=value`.

mod experiment;
mod layer;
mod trial;

pub use experiment::{ExperimentFile, ExperimentTable, Resolved};
pub use layer::Layer;
pub use trial::{Choice, Evaluation, Machine, Training, TrialConfig};
