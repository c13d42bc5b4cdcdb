//! The run store: what a finished or unfinished trial left on disk.
//!
//! One folder an experiment and profile, one folder a trial in it. The runner
//! writes through this crate and the report reads through it, so that neither
//! must know the other. It must never know a plugin or a kernel.

mod record;

pub use record::{Censored, Claim, Comparison, Direction, Experiment, Measure, Status, Trial};
