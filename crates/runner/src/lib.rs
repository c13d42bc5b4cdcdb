//! From an experiment file to finished trials.
//!
//! [`config`] reads the file in layers, [`Draft`] asks for the trials of a search
//! where there is one, [`Plan`] lists variants times seeds, [`run`] trains what is
//! not finished yet and leaves everything in the run store. A [`Network`] is what is
//! left of a finished trial, to be asked about images. Plugins are known by
//! trait and name only: this crate must never know a concrete model, data set or
//! optimiser, nor how a report looks.

mod check;
pub mod config;
mod continuation;
mod control;
mod device;
mod draft;
mod ensemble;
pub mod environment;
mod error;
mod estimate;
mod evaluate;
mod events;
mod hparams;
mod jobs;
mod launch;
mod loader;
mod loading;
pub mod memory;
mod network;
mod observer;
mod outline;
mod outputs;
mod parallel;
mod pipeline;
mod plan;
mod progress;
mod remembered;
mod run;
mod search;
mod session;
mod train;
mod weights;

pub use control::Control;
pub use device::DeviceName;
pub use draft::Draft;
pub use ensemble::PlannedGroup;
pub use error::{Error, Result};
pub use estimate::Estimate;
pub use evaluate::Scores;
pub use launch::{Launch, launch, queue, withdraw};
pub use loading::Loading;
pub use network::{Network, Prediction};
pub use observer::{Event, Nobody, Observer};
pub use outline::Outline;
pub use parallel::{follow, leave};
pub use pipeline::{Pipeline, Statistics};
pub use plan::{Checked, Plan, PlannedTrial, Purpose, Shorter, Site};
pub use run::{Outcome, RunOptions, run, stored};
