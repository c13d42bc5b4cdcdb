//! The jobs of a plan, written down so that they outlive the process that submitted
//! them.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ablate_core::{FileLock, Launcher, TaskState};
use ablate_store::{Error as StoreError, atomic};
use serde::{Deserialize, Serialize};

use super::Tasks;
use crate::{Error, Result};

const FILE: &str = "jobs.json";
const LOCK: &str = ".lock";

/// The jobs that may still have tasks at work.
pub(super) struct Ledger {
    path: PathBuf,
    launcher: String,
    jobs: Vec<Entry>,
    /// Held as long as this process watches the plan.
    _lock: FileLock,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    launcher: String,
    id: String,
    /// The names of the trials, task by task.
    tasks: Vec<String>,
}

impl Ledger {
    /// Reads what earlier processes wrote down of this launcher's jobs.
    ///
    /// # Errors
    /// Another process watches the plan, or the file is damaged.
    pub fn open(desk: &Path, launcher: &str) -> Result<Self> {
        let lock = lock(desk)?;
        let path = desk.join(FILE);
        let jobs = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Error::Other(format!(
                    "{}: it does not read back: {error}\n  fix: see that no job of the plan is in \
                     the queue, and remove the file",
                    path.display()
                ))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::io(&path)(error).into()),
        };
        Ok(Self {
            path,
            launcher: launcher.to_string(),
            jobs,
            _lock: lock,
        })
    }

    /// Where the tasks of all jobs are. Jobs without any are forgotten.
    ///
    /// # Errors
    /// The batch system does not answer, or the file cannot be written.
    pub fn ask(&mut self, launcher: &dyn Launcher) -> Result<Tasks> {
        let mut tasks = Tasks::new();
        let mut kept = Vec::with_capacity(self.jobs.len());
        for job in &self.jobs {
            if job.launcher != self.launcher {
                kept.push(job.clone());
                continue;
            }
            let states = launcher.states(&job.id)?;
            let is_over = |state: &TaskState| matches!(state, TaskState::Ended);
            if states.iter().any(|(_, state)| !is_over(state)) {
                kept.push(job.clone());
            }
            for (task, state) in states {
                // A later job of the same trial has the last word.
                if let Some(name) = job.tasks.get(task).filter(|_| !is_over(&state)) {
                    tasks.insert(name.clone(), state);
                }
            }
        }
        if kept != self.jobs {
            self.jobs = kept;
            self.write()?;
        }
        Ok(tasks)
    }

    /// Writes a job down.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, id: String, tasks: Vec<String>) -> Result<()> {
        self.jobs.push(Entry {
            launcher: self.launcher.clone(),
            id,
            tasks,
        });
        self.write()
    }

    /// Takes all jobs back.
    ///
    /// # Errors
    /// The batch system does not answer.
    pub fn cancel(&self, launcher: &dyn Launcher) -> Result<()> {
        for job in self.own() {
            launcher.cancel(&job.id, None)?;
        }
        Ok(())
    }

    /// Takes the tasks of one trial back.
    ///
    /// # Errors
    /// The batch system does not answer.
    pub fn cancel_task(&self, launcher: &dyn Launcher, name: &str) -> Result<()> {
        for job in self.own() {
            if let Some(task) = job.tasks.iter().position(|task| task == name) {
                launcher.cancel(&job.id, Some(task))?;
            }
        }
        Ok(())
    }

    fn own(&self) -> impl Iterator<Item = &Entry> {
        let is_own = |job: &&Entry| job.launcher == self.launcher;
        self.jobs.iter().filter(is_own)
    }

    fn write(&self) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.jobs)
            .map_err(|error| Error::Other(format!("the jobs cannot be written down: {error}")))?;
        Ok(atomic::write(&self.path, &bytes)?)
    }
}

/// Claims a plan for this process.
fn lock(desk: &Path) -> Result<FileLock> {
    let path = desk.join(LOCK);
    FileLock::claim(&path, Duration::ZERO).map_err(|error| match error {
        TryLockError::WouldBlock => Error::Other(format!(
            "{}: another process watches these trials\n  fix: let it go on, or stop it first",
            desk.display()
        )),
        TryLockError::Error(error) => StoreError::io(&path)(error).into(),
    })
}
