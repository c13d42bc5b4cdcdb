//! A plan whose trials run elsewhere, as tasks of a batch system: submitted, watched
//! through the run store, and submitted again where they were cut off.
//!
//! A task runs one trial by the program's own command, from its last checkpoint on.
//! What is true of a trial is what lies in its folder; the batch system is only asked
//! whether something still works on it.

mod contact;
mod followed;
mod ledger;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ablate_core::{Job, Launcher, Resources, TaskState};
use ablate_store::{ExperimentFolder, Status, Trial};

use self::contact::Contact;
use self::followed::Followed;
use self::ledger::Ledger;
use crate::run::averages;
use crate::{
    DeviceName, Error, Event, Nobody, Observer, Outcome, Plan, PlannedTrial, Result, RunOptions,
};

/// The folder within the experiment's for scripts, lists of tasks and what they print.
const DESK: &str = "launch";

/// Where and by what the tasks of a plan run.
pub struct Launch<'a> {
    /// The batch system.
    pub launcher: &'a dyn Launcher,
    /// Its name, by which a later run knows whose a job is.
    pub name: &'a str,
    /// The program and the arguments that run one trial, but for the last: the name of
    /// the trial's folder.
    pub command: Vec<OsString>,
    /// The folder that tasks begin in.
    pub directory: PathBuf,
    /// Bytes that the largest trial takes.
    pub memory: u64,
}

/// Runs every trial of `plan` that is not done, each as a task elsewhere.
///
/// As with [`run`](crate::run), a trial that fails does not stop the others. A task
/// that ends before its trial does is submitted again, as long as that leads on. A
/// second process, or the same command after this one was killed, finds the jobs that
/// are still there and submits none of their trials twice.
///
/// # Errors
/// The store cannot be written, the batch system refuses jobs or does not answer, or
/// another process watches the same plan.
pub fn launch(
    plan: &Plan,
    options: &RunOptions,
    launch: &Launch,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let folder = plan.folder(options.store)?;
    let desk = desk(&folder)?;
    let mut ledger = Ledger::open(&desk, launch.name)?;
    let mut trials = follow(plan, &folder);
    let (mut contact, mut is_cancelled) = (Contact::default(), false);
    let control = &options.control;
    loop {
        let seen = control.changes();
        let tell = |message: &str| {
            if let Some(trial) = plan.trials.first() {
                observer.notice(Event::Warning { trial, message });
            }
        };
        let Some(tasks) = contact.ask(&mut ledger, launch.launcher, tell)? else {
            if control.is_stopping() {
                return Err(unheard());
            }
            control.wait(seen, launch.launcher.interval());
            continue;
        };
        for trial in &mut trials {
            trial.look(tasks.get(&trial.name).copied(), observer)?;
        }
        if control.is_stopping() && !is_cancelled {
            ledger.cancel(launch.launcher)?;
            is_cancelled = true;
        }
        for trial in &mut trials {
            if trial.is_at_work() && control.is_left(trial.planned) && trial.give_up() {
                ledger.cancel_task(launch.launcher, &trial.name)?;
            }
        }
        let is_due = |trial: &&mut Followed| trial.is_due() && !control.is_left(trial.planned);
        let due: Vec<&mut Followed> = match control.is_stopping() || control.is_paused() {
            true => Vec::new(),
            false => trials.iter_mut().filter(is_due).collect(),
        };
        let submitted = due.len();
        submit(plan, launch, &desk, &mut ledger, due)?;
        let waits = control.is_paused() && !control.is_stopping();
        let at_work = trials.iter().any(Followed::is_at_work);
        if submitted == 0 && !at_work && !(waits && trials.iter().any(Followed::is_due)) {
            break;
        }
        control.wait(seen, launch.launcher.interval());
    }
    outcome(plan, options, folder, &trials, observer)
}

/// A stop that the batch system cannot be told of.
fn unheard() -> Error {
    Error::Other(
        "the batch system does not answer, so its tasks may go on\n  fix: run the same command \
         when it does, which finds them; or cancel them by the system's own command"
            .to_string(),
    )
}

/// Submits every trial of `plan` that is neither done nor in the queue, and watches
/// none: a later [`launch`] finds them there.
///
/// # Errors
/// As for [`launch`].
pub fn queue(plan: &Plan, store: &Path, launch: &Launch) -> Result<()> {
    let folder = plan.folder(store)?;
    let desk = desk(&folder)?;
    let mut ledger = Ledger::open(&desk, launch.name)?;
    let tasks = ledger.ask(launch.launcher)?;
    let mut trials = follow(plan, &folder);
    for trial in &mut trials {
        trial.look(tasks.get(&trial.name).copied(), &mut Nobody)?;
    }
    let due = trials.iter_mut().filter(|trial| trial.is_due()).collect();
    submit(plan, launch, &desk, &mut ledger, due)
}

/// Takes back what [`queue`] submitted.
///
/// # Errors
/// As for [`launch`].
pub fn withdraw(plan: &Plan, store: &Path, launch: &Launch) -> Result<()> {
    let desk = desk(&plan.folder(store)?)?;
    Ledger::open(&desk, launch.name)?.cancel(launch.launcher)
}

/// The folder for the jobs of an experiment; created if need be.
fn desk(folder: &ExperimentFolder) -> Result<PathBuf> {
    let desk = folder.path().join(DESK);
    fs::create_dir_all(&desk).map_err(ablate_store::Error::io(&desk))?;
    Ok(desk)
}

fn follow<'a>(plan: &'a Plan, folder: &ExperimentFolder) -> Vec<Followed<'a>> {
    let trials = plan.trials.iter();
    trials
        .map(|planned| Followed::new(planned, folder.path()))
        .collect()
}

/// Has the batch system run these trials: a job of those for the CPU, and one of those
/// that need GPUs.
fn submit(
    plan: &Plan,
    launch: &Launch,
    desk: &Path,
    ledger: &mut Ledger,
    due: Vec<&mut Followed>,
) -> Result<()> {
    let (cpu, gpu): (Vec<_>, Vec<_>) = due.into_iter().partition(|trial| gpus(trial.planned) == 0);
    for mut trials in [cpu, gpu] {
        let planned = || trials.iter().map(|trial| trial.planned);
        let threads = planned().map(|trial| trial.config.machine.threads);
        let resources = Resources {
            threads: threads.max().unwrap_or(0),
            memory: launch.memory,
            gpus: planned().map(gpus).max().unwrap_or(0),
        };
        let name = &plan.experiment.name;
        let job = Job {
            name: name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect(),
            folder: desk.to_path_buf(),
            directory: launch.directory.clone(),
            command: launch.command.clone(),
            tasks: trials.iter().map(|trial| trial.name.clone()).collect(),
            resources,
        };
        if job.tasks.is_empty() {
            continue;
        }
        let id = launch.launcher.submit(&job)?;
        tracing::info!("job {id}: {} tasks", job.tasks.len());
        ledger.add(id, job.tasks)?;
        for trial in &mut trials {
            trial.submitted();
        }
    }
    Ok(())
}

/// The GPUs that a trial computes on: one for each of its ranks.
fn gpus(trial: &PlannedTrial) -> usize {
    let machine = &trial.config.machine;
    match machine.device {
        DeviceName::Cpu => 0,
        DeviceName::Cuda { .. } => machine.ranks,
    }
}

/// What became of the plan, read from the store.
fn outcome(
    plan: &Plan,
    options: &RunOptions,
    folder: ExperimentFolder,
    followed: &[Followed],
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut trials: Vec<Trial> = Vec::new();
    for trial in followed {
        trials.extend(trial.place.read()?);
    }
    let stopped = options.control.is_stopping();
    let unfinished: Vec<&str> = followed
        .iter()
        .filter(|trial| matches!(trial.status, None | Some(Status::Unfinished)))
        .map(|trial| &*trial.planned.hash)
        .collect();
    let left = unfinished.len();
    if !stopped {
        let lacks = |hash: &str| unfinished.contains(&hash);
        averages(plan, &folder, lacks, &mut trials, observer)?;
    }
    Ok(Outcome {
        folder,
        trials,
        stopped,
        left,
    })
}

/// The state of each task by its trial's name.
type Tasks = HashMap<String, TaskState>;
