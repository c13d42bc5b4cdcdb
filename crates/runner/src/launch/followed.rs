//! One trial that runs elsewhere, as its folder and the batch system show it.

use std::path::Path;

use ablate_core::TaskState;
use ablate_store::{Status, TrialFolder, checkpoint};

use crate::{Event, Observer, PlannedTrial, Result};

/// Tasks in a row that may end without the trial having come on.
const PATIENCE: usize = 3;
/// Looks at which a task must be gone: the last files of a shared folder come late.
const LATE: usize = 2;

/// A trial that is followed.
pub(super) struct Followed<'a> {
    /// As planned.
    pub planned: &'a PlannedTrial,
    /// The name of its folder, which is its task's argument.
    pub name: String,
    /// Its folder, which may not be there yet.
    pub place: TrialFolder,
    /// How it stands in the store; `None` where it never began.
    pub status: Option<Status>,
    /// Whether its task waits or runs, or ended a moment ago.
    task: Task,
    /// Epochs that the observer was told of.
    told: usize,
    has_begun: bool,
    /// Whether it is not to be submitted any more.
    is_given_up: bool,
    /// Where it stood when it was last submitted.
    stood: Option<Standing>,
    /// Tasks that ended where they began.
    in_vain: usize,
}

/// What tells whether a trial has come on: its epochs, and its newest checkpoint.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    epochs: usize,
    checkpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    None,
    /// In the queue: submitted by this process, or found there.
    Queued,
    /// Not in the queue for so many looks.
    Gone(usize),
}

impl<'a> Followed<'a> {
    /// A trial of the experiment in `folder`.
    pub fn new(planned: &'a PlannedTrial, folder: &Path) -> Self {
        let name = planned.folder_name();
        Self {
            planned,
            place: TrialFolder::open(folder.join(&name)),
            name,
            status: None,
            task: Task::None,
            told: 0,
            has_begun: false,
            is_given_up: false,
            stood: None,
            in_vain: 0,
        }
    }

    /// Whether its task waits, runs or has only just ended.
    pub fn is_at_work(&self) -> bool {
        self.task != Task::None
    }

    /// Whether it is to be submitted.
    pub fn is_due(&self) -> bool {
        let is_done = self.status.as_ref().is_some_and(Status::is_done);
        !is_done && !self.is_at_work() && !self.is_given_up
    }

    /// It is not submitted any more; false if that was so already.
    pub fn give_up(&mut self) -> bool {
        !std::mem::replace(&mut self.is_given_up, true)
    }

    /// It was submitted.
    pub fn submitted(&mut self) {
        self.task = Task::Queued;
        self.stood = Some(self.standing());
    }

    /// Looks at its folder and takes note of where its task is.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn look(&mut self, state: Option<TaskState>, observer: &mut dyn Observer) -> Result<()> {
        let is_first = self.status.is_none() && self.task == Task::None;
        let was_at_work = self.is_at_work();
        match state {
            Some(TaskState::Waiting | TaskState::Running) => self.task = Task::Queued,
            Some(TaskState::Cancelled) if was_at_work => {
                self.give_up();
                self.task = self.task.older();
            }
            _ => self.task = self.task.older(),
        }
        let is_running = state == Some(TaskState::Running);
        if is_first || is_running || was_at_work {
            self.read(is_first, is_running, observer)?;
        }
        if was_at_work && !self.is_at_work() {
            self.ended(observer);
        }
        Ok(())
    }

    /// Reads its record and tells what is new.
    fn read(
        &mut self,
        is_first: bool,
        is_running: bool,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let Some(trial) = self.place.record()? else {
            return Ok(());
        };
        let planned = self.planned;
        let is_done = trial.status.is_done();
        if is_first && is_done {
            observer.notice(Event::Kept {
                trial: planned,
                status: &trial.status,
            });
            self.has_begun = true;
        } else if !self.has_begun && (is_running || (is_done && !is_first)) {
            self.has_begun = true;
            self.told = match &self.stood {
                Some(stood) => stood.epochs,
                // Another process submitted it, and told of what it saw.
                None => trial.history.len(),
            };
            observer.notice(Event::Started {
                trial: planned,
                done_epochs: self.told,
                done_steps: 0,
                steps_per_epoch: 1,
                parameters: trial.parameters,
            });
        }
        if self.has_begun && !(is_first && is_done) {
            for record in trial.history.iter().skip(self.told) {
                observer.notice(Event::Epoch {
                    trial: planned,
                    record,
                });
            }
            self.told = self.told.max(trial.history.len());
            let was_done = self.status.as_ref().is_some_and(Status::is_done);
            if is_done && !was_done {
                observer.notice(Event::Ended {
                    trial: planned,
                    status: &trial.status,
                });
            }
        }
        self.status = Some(trial.status);
        Ok(())
    }

    /// Its task is gone: whether to try again.
    fn ended(&mut self, observer: &mut dyn Observer) {
        let trial = self.planned;
        match &self.status {
            Some(status) if status.is_done() => return,
            Some(status @ Status::Failed { .. }) => {
                observer.notice(Event::Ended { trial, status });
                self.give_up();
                return;
            }
            _ => {}
        }
        let came_on = self.stood.as_ref() != Some(&self.standing());
        self.in_vain = if came_on { 0 } else { self.in_vain + 1 };
        if !self.is_given_up && self.in_vain >= PATIENCE {
            self.give_up();
            let message = format!(
                "{PATIENCE} tasks in a row ended without coming on; the logs beside the trial, in \
                 `{}/`, may say why",
                super::DESK
            );
            let message = &message;
            observer.notice(Event::Warning { trial, message });
        }
        if self.is_given_up {
            let status = &Status::Unfinished;
            observer.notice(Event::Ended { trial, status });
        }
    }

    /// Where the trial stands now.
    fn standing(&self) -> Standing {
        let record = self.place.record().ok().flatten();
        Standing {
            epochs: record.map_or(0, |trial| trial.history.len()),
            checkpoint: checkpoint::newest(self.place.path()),
        }
    }
}

impl Task {
    /// After a look at which it was not in the queue.
    fn older(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Queued => Self::Gone(1),
            Self::Gone(looks) if looks < LATE => Self::Gone(looks + 1),
            Self::Gone(_) => Self::None,
        }
    }
}
