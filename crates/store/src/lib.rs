//! The run store: what a finished or unfinished trial left on disk.
//!
//! ```text
//! STORE/index.sqlite                                    derived, see the crate `index`
//! STORE/EXPERIMENT/PROFILE/experiment.json
//!                         /VARIANT-seedN-HASH/trial.json        how it stands
//!                                            /config.toml       every key, defaults included
//!                                            /environment.json  versions, processor, git state
//!                                            /metrics.jsonl     a line an epoch
//!                                            /outputs.safetensors  what the finished model says
//!                                            /checkpoint.json   names the checkpoint files
//!                                            /checkpoint-*.safetensors  the last two
//!                                            /events.out.*      for TensorBoard
//!                                            /log.txt           what happened, and when
//!                                            /.lock             held by who trains it
//!                         /search/VARIANT-seedN-HASH/       trials of a search, the same files
//!                         /launch/                          jobs of a launcher
//!                         /report/
//! ```
//!
//! The runner writes through this crate and the report reads through it, so that
//! neither must know the other. It must never know a plugin or a kernel.

pub mod atomic;
pub mod checkpoint;
mod claim;
mod environment;
mod error;
mod folder;
mod garbage;
mod leaves;
mod measure;
mod outputs;
mod record;
mod removal;
mod search;

pub use checkpoint::Checkpoint;
pub use claim::{Also, Claim, Comparison, Direction};
pub use environment::Environment;
pub use error::{Error, Result};
pub use folder::{ExperimentFolder, SEARCH, TrialFolder, TrialLock, trial_name};
pub use garbage::{Garbage, Reason, clear_leftovers, garbage};
pub use leaves::leaves;
pub use measure::{At, Censored, Measure};
pub use outputs::{Contents, Filters, Gallery, Outputs, Predictions, Retrieval, Samples, Shares};
pub use record::{Ensemble, Experiment, Status, Trial};
pub use removal::remove_trial;
pub use search::{Candidate, Edge, Score, Search, Searched, Strategy};
