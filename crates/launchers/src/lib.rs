//! Launchers: batch systems that run trials on other machines.
//!
//! This crate knows how to submit, watch and cancel tasks. It must never know what a
//! task computes, nor how a run decides which tasks there are.

mod slurm;

use ablate_core::register;

pub use slurm::Slurm;
#[doc(hidden)]
pub use slurm::{job_id, states};

register!(
    launcher,
    "slurm",
    Slurm,
    "a Slurm cluster: a job array with a task for each trial"
);
