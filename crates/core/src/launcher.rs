//! Running trials elsewhere: the contract of a batch system, which knows tasks and
//! nothing of what they compute.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::{PluginConfig, Result};

/// A batch system that runs tasks on machines that share a file system with this one.
///
/// Whoever submits a job keeps its id and may be another process later on: nothing
/// about a job is kept here.
pub trait Launcher: Send + Sync {
    /// Has the tasks of a job run when there is room for them; returns the job's id.
    ///
    /// # Errors
    /// The batch system is not there or refuses the job; the error has its words.
    fn submit(&self, job: &Job) -> Result<String>;

    /// Where the tasks of a job are, by their places in [`Job::tasks`]. A task that
    /// is not listed has ended.
    ///
    /// # Errors
    /// The batch system does not answer.
    fn states(&self, id: &str) -> Result<Vec<(usize, TaskState)>>;

    /// Asks one task, or all, to stop: those that run get SIGTERM and the time to
    /// save, those that wait never begin.
    ///
    /// # Errors
    /// The batch system does not answer.
    fn cancel(&self, id: &str, task: Option<usize>) -> Result<()>;

    /// Time between two looks at the states.
    fn interval(&self) -> Duration;
}

/// Many runs of one program, which differ in their last argument.
#[derive(Clone, Debug)]
pub struct Job {
    /// What listings of the batch system call it: letters, digits and `_`.
    pub name: String,
    /// A shared folder, which exists, for scripts and what tasks print.
    pub folder: PathBuf,
    /// The folder that tasks begin in.
    pub directory: PathBuf,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The last argument of each task.
    pub tasks: Vec<String>,
    /// What each task needs.
    pub resources: Resources,
}

/// What a task needs of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Threads it computes with; 0 where it takes what it gets.
    pub threads: usize,
    /// Bytes of memory, about.
    pub memory: u64,
    /// GPUs.
    pub gpus: usize,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It has not begun, or not again after its machine failed.
    Waiting,
    /// It runs.
    Running,
    /// Someone took it back.
    Cancelled,
    /// It has ended, in whatever way.
    Ended,
}

/// The config of a launcher plugin.
pub trait LauncherConfig: PluginConfig {
    /// Builds the launcher.
    ///
    /// # Errors
    /// A value out of range.
    fn build(&self) -> Result<Box<dyn Launcher>>;
}
