//! What a run tells whoever watches it.

use ablate_core::EpochRecord;
use ablate_store::Status;

use crate::PlannedTrial;

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A trial was already done and is not run again.
    Kept {
        /// The trial.
        trial: &'a PlannedTrial,
        /// How it had ended.
        status: &'a Status,
    },
    /// A trial begins or goes on.
    Started {
        /// The trial.
        trial: &'a PlannedTrial,
        /// Epochs already done by an earlier process.
        done_epochs: usize,
        /// Steps already done in the epoch that was cut off.
        done_steps: usize,
        /// Steps an epoch has.
        steps_per_epoch: usize,
        /// Number of learned values.
        parameters: usize,
    },
    /// A step of training is done.
    Step {
        /// The trial.
        trial: &'a PlannedTrial,
        /// Epochs finished before this one.
        epoch: usize,
        /// Steps done in this epoch.
        step: usize,
        /// Loss of the step's batch.
        loss: f64,
        /// Images in the step's batch.
        images: usize,
    },
    /// The validation split is being measured.
    Evaluating {
        /// The trial.
        trial: &'a PlannedTrial,
    },
    /// An epoch is done and stored.
    Epoch {
        /// The trial.
        trial: &'a PlannedTrial,
        /// What it measured.
        record: &'a EpochRecord,
    },
    /// A trial has ended, or was stopped (`Unfinished`).
    Ended {
        /// The trial.
        trial: &'a PlannedTrial,
        /// How.
        status: &'a Status,
    },
    /// The predictions of a group of trials have been averaged.
    Averaged {
        /// The ensemble's name.
        variant: &'a str,
        /// The seeds of the group.
        members: &'a [u64],
        /// How that ended.
        status: &'a Status,
    },
    /// Something the user should know, such as a damaged checkpoint.
    Warning {
        /// The trial.
        trial: &'a PlannedTrial,
        /// In words.
        message: &'a str,
    },
}

/// A watcher of a run: a progress bar, plain lines, a JSON stream.
pub trait Observer: Send {
    /// Takes note of an event, of any of the trials that train side by side.
    /// Called from the training threads: be quick.
    fn notice(&mut self, event: Event);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn notice(&mut self, _: Event) {}
}
