//! A whole plan: train what is not done, keep what is.

use std::path::Path;

use ablate_parallel::Group;
use ablate_store::{
    Checkpoint, Environment, ExperimentFolder, Status, Trial, TrialFolder, checkpoint,
    clear_leftovers,
};

use crate::config::without_nulls;
use crate::continuation;
use crate::environment;
use crate::events::Events;
use crate::jobs;
use crate::parallel::{Lead, on_threads};
use crate::progress::TrainProgress;
use crate::session::Session;
use crate::train::Trainer;
use crate::{Control, Error, Event, Observer, Plan, PlannedGroup, PlannedTrial, Result};

/// Where and how a plan runs.
pub struct RunOptions<'a> {
    /// The run store's folder.
    pub store: &'a Path,
    /// What is asked of the run while it goes on.
    pub control: Control,
    /// Trials that train side by side, each with its part of the threads; never
    /// more than there are threads. It changes no result.
    pub jobs: usize,
    /// The processes that share each trial's batches; this one leads them. Those of
    /// a group of one share them as `machine.ranks` says.
    pub group: &'a dyn Group,
}

/// What became of a plan.
pub struct Outcome {
    /// The experiment's folder in the store.
    pub folder: ExperimentFolder,
    /// Every planned trial that has started, in plan order, then the groups of
    /// ensembles.
    pub trials: Vec<Trial>,
    /// Whether the run was stopped before its end.
    pub stopped: bool,
    /// Trials that are not done though the run has ended: those that it was asked to do
    /// without, and, of those that ran elsewhere, those whose tasks were given up.
    pub left: usize,
}

/// Runs every trial of `plan` that is not done.
///
/// A trial that fails while it trains is stored as failed and does not stop the others;
/// the same command tries it again.
///
/// # Errors
/// The store cannot be written, the machine's threads cannot be set up, or a trial cannot
/// begin: another process has it, what is stored of it is damaged, or its network or its
/// data cannot be built. No further trial begins then.
pub fn run(plan: &Plan, options: &RunOptions, observer: &mut dyn Observer) -> Result<Outcome> {
    let folder = plan.folder(options.store)?;
    let control = &options.control;
    let one = |planned: &PlannedTrial, observer: &mut dyn Observer| {
        run_trial(plan, planned, &folder, options, observer)
    };
    let begun = jobs::work_off(&plan.trials, options, observer, one)?;
    let mut trials: Vec<Trial> = begun.into_iter().flatten().collect();
    let is_done = |planned: &PlannedTrial| {
        let mut trials = trials.iter();
        trials.any(|trial| trial.hash == planned.hash && trial.status.is_done())
    };
    let is_left = |planned: &&PlannedTrial| control.is_left(planned) && !is_done(planned);
    let left = plan.trials.iter().filter(is_left);
    let left: Vec<&str> = left.map(|planned| &*planned.hash).collect();
    let stopped = control.is_stopping();
    if !stopped {
        let lacks = |hash: &str| left.contains(&hash);
        averages(plan, &folder, lacks, &mut trials, observer)?;
    }
    Ok(Outcome {
        folder,
        left: left.len(),
        trials,
        stopped,
    })
}

/// Adds the groups of a plan's ensembles to its trials, but for those of which a
/// member, by its hash, is lacking.
pub(crate) fn averages(
    plan: &Plan,
    folder: &ExperimentFolder,
    lacks: impl Fn(&str) -> bool,
    trials: &mut Vec<Trial>,
    observer: &mut dyn Observer,
) -> Result<()> {
    for group in plan.groups() {
        if !group.members.iter().any(|member| lacks(&member.hash)) {
            let averaged = average(folder, &group, trials, observer)?;
            trials.push(averaged);
        }
    }
    Ok(())
}

/// Runs one trial, unless it is done. `None` is one to do without that has never
/// begun.
fn run_trial(
    plan: &Plan,
    planned: &PlannedTrial,
    folder: &ExperimentFolder,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Option<Trial>> {
    let place = folder.at(&planned.variant, planned.seed, &planned.hash);
    let stored = place.read()?;
    if is_kept(planned, stored.as_ref(), observer) || options.control.is_left(planned) {
        return Ok(stored);
    }
    let place = folder.trial(&planned.variant, planned.seed, &planned.hash)?;
    let lock = place.lock()?;
    // Another process may have ended it while this one waited.
    let stored = place.read()?;
    if is_kept(planned, stored.as_ref(), observer) {
        return Ok(stored);
    }
    clear_leftovers(&place, &lock);
    continuation::begin(plan, planned, folder)?;
    let control = &options.control;
    let mut train = |group: &dyn Group| train(plan, planned, &place, control, group, observer);
    let trial = match (options.group.size(), planned.config.machine.ranks) {
        (1, ranks) if ranks > 1 => on_threads(ranks, &plan.datasets, train)?,
        _ => train(options.group)?,
    };
    drop(lock);
    observer.notice(Event::Ended {
        trial: planned,
        status: &trial.status,
    });
    Ok(Some(trial))
}

/// Whether a stored trial is done, which is then said.
fn is_kept(planned: &PlannedTrial, stored: Option<&Trial>, observer: &mut dyn Observer) -> bool {
    let done = stored.filter(|trial| trial.status.is_done());
    if let Some(Trial { status, .. }) = done {
        observer.notice(Event::Kept {
            trial: planned,
            status,
        });
    }
    done.is_some()
}

/// What the store holds of a plan: its folder, every trial that has started, in
/// plan order, and the groups of ensembles. Trains nothing and makes no folder.
///
/// # Errors
/// The store cannot be read.
pub fn stored(plan: &Plan, store: &Path) -> Result<(ExperimentFolder, Vec<Trial>)> {
    let folder = plan.located(store);
    let mut trials = Vec::with_capacity(plan.trials.len());
    for planned in &plan.trials {
        let place = folder.at(&planned.variant, planned.seed, &planned.hash);
        trials.extend(place.read()?);
    }
    for group in plan.groups() {
        let place = folder.at(group.variant, group.seed(), &group.hash());
        trials.extend(place.read()?);
    }
    Ok((folder, trials))
}

/// Works out a group of an ensemble and stores it, unless that is done.
fn average(
    folder: &ExperimentFolder,
    group: &PlannedGroup,
    trials: &[Trial],
    observer: &mut dyn Observer,
) -> Result<Trial> {
    let place = folder.trial(group.variant, group.seed(), &group.hash())?;
    if let Some(trial) = place.read()?.filter(|trial| trial.status.is_done()) {
        return Ok(trial);
    }
    let _lock = place.lock()?;
    let trial = group.trial(trials)?;
    place.rewrite_history(&trial.history)?;
    place.write(&trial)?;
    observer.notice(Event::Averaged {
        variant: group.variant,
        members: &trial.members,
        status: &trial.status,
    });
    Ok(trial)
}

/// Trains one trial and stores how it ended.
fn train(
    plan: &Plan,
    planned: &PlannedTrial,
    folder: &TrialFolder,
    control: &Control,
    group: &dyn Group,
    observer: &mut dyn Observer,
) -> Result<Trial> {
    // Whoever logs can tell the trials apart, also side by side.
    let _span = tracing::info_span!("trial", folder = %folder.path().display()).entered();
    let data = plan.dataset(&planned.config.data)?;
    let description = data.info().description.clone();
    let mut session = Session::build(planned, data)?;
    let mut trial = Trial {
        variant: planned.variant.clone(),
        seed: planned.seed,
        members: Vec::new(),
        hash: planned.hash.clone(),
        status: Status::Unfinished,
        data: description,
        parameters: session.parameters.count(),
        history: Vec::new(),
        config: planned.config.to_value(),
        outputs: None,
        environment: None,
    };
    let environment = Environment {
        gpu: session.gpu(),
        ..environment::capture()
    };
    describe(folder, &trial)?;
    folder.write_environment(&environment)?;
    let (variant, seed, parameters) = (&trial.variant, trial.seed, trial.parameters);
    tracing::info!(
        "{variant}, seed {seed}: {parameters} parameters; {}",
        trial.data
    );
    tracing::info!("{}", environment.text());
    trial.environment = Some(environment);
    let (progress, checkpoint) = resume(planned, folder, &mut session, observer)?;
    folder.rewrite_history(&progress.history)?;
    let mut events = Events::open(folder.path())?;
    events.start(planned)?;
    let lead = Lead::begin(group, planned, checkpoint.as_ref(), session.device())?;
    let mut trainer = Trainer {
        trial: planned,
        session,
        folder,
        events,
        progress,
        control,
        observer,
        lead,
    };
    trial.status = match trainer.run() {
        Ok(status) => status,
        // The store itself is in trouble: nothing more can be kept there.
        Err(error @ (Error::Store(_) | Error::Events { .. })) => return Err(error),
        Err(error) => Status::Failed {
            message: error.to_string(),
        },
    };
    match &trial.status {
        Status::Failed { message } => tracing::error!("failed: {message}"),
        Status::Diverged { epoch } => tracing::warn!("diverged in epoch {epoch}"),
        Status::Unfinished => tracing::info!("stopped; it can go on"),
        Status::Finished => tracing::info!("finished"),
    }
    if trial.status.is_done() {
        trainer.events.end(trial.status == Status::Finished)?;
    }
    trial.history = trainer.progress.history;
    folder.write(&trial)?;
    if trial.status == Status::Finished {
        trial.outputs = folder.outputs()?;
    }
    Ok(trial)
}

/// Writes what is known before the first step: config and status.
fn describe(folder: &TrialFolder, trial: &Trial) -> Result<()> {
    let unwritable = |error: &dyn std::fmt::Display| {
        Error::Other(format!("the resolved config cannot be written: {error}"))
    };
    // TOML has no null: a key without a value is left out, as its author would.
    let config =
        toml::to_string_pretty(&without_nulls(&trial.config)).map_err(|e| unwritable(&e))?;
    folder.write_file("config.toml", config.as_bytes())?;
    folder.write(trial)?;
    Ok(())
}

/// Restores the newest good checkpoint, if there is one, and returns it too.
fn resume(
    planned: &PlannedTrial,
    folder: &TrialFolder,
    session: &mut Session,
    observer: &mut dyn Observer,
) -> Result<(TrainProgress, Option<Checkpoint>)> {
    let loaded = checkpoint::load(folder.path())?;
    for problem in &loaded.damaged {
        let message = &format!("{problem}; going on from the checkpoint before it");
        tracing::warn!("{message}");
        observer.notice(Event::Warning {
            trial: planned,
            message,
        });
    }
    checkpoint::forget_damaged(folder.path(), &loaded)?;
    match loaded.checkpoint {
        None => Ok((TrainProgress::default(), None)),
        Some(checkpoint) => {
            let optimiser = session.optimiser.as_mut();
            let progress = TrainProgress::unpack(&checkpoint, &session.parameters, optimiser);
            let progress = progress.map_err(|error| Error::File {
                path: folder.path().to_path_buf(),
                problem: format!("the checkpoint does not read back: {error}"),
                fix: "remove the folder to train the trial from the start".to_string(),
            })?;
            let (epoch, step) = (progress.epoch, progress.step);
            tracing::info!("going on after epoch {epoch}, step {step}");
            Ok((progress, Some(checkpoint)))
        }
    }
}
