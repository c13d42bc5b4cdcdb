//! `run`: an experiment file from plan to report.

use std::process::ExitCode;

use ablate_runner::{Draft, Outcome, Plan, Purpose, RunOptions, Stop};
use ablate_store::{Status, Trial};
use anyhow::{Context, bail};

use crate::selection::Selection;
use crate::watch;

/// What `run` takes.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Print the plan and stop.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line instead of a progress bar.
    #[arg(long)]
    json: bool,
}

/// Runs the experiment and writes its report.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let draft = arguments.selection.draft()?;
    let stop = Stop::default();
    stop_on_signal(stop.clone())?;
    let mut plan = first_plan(&draft)?;
    start_threads(&plan)?;
    if plan.purpose == Purpose::Search {
        let Some(outcome) = carry_out(&plan, arguments, &stop)? else {
            return Ok(ExitCode::SUCCESS);
        };
        if outcome.stopped {
            return Ok(stopped());
        }
        plan = draft.plan(&outcome.trials)?;
    }
    let Some(outcome) = carry_out(&plan, arguments, &stop)? else {
        return Ok(ExitCode::SUCCESS);
    };
    if outcome.stopped {
        return Ok(stopped());
    }
    super::report::write(
        &plan.experiment,
        &outcome.trials,
        outcome.folder.path(),
        arguments.json,
    )?;
    let failed = outcome
        .trials
        .iter()
        .filter(|trial| is_failed(trial))
        .count();
    if failed > 0 {
        bail!(
            "{failed} of {} trials failed; the table names them",
            outcome.trials.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The search's plan where there is one, else the experiment's.
fn first_plan(draft: &Draft) -> ablate_runner::Result<Plan> {
    match draft.search()? {
        Some(search) => Ok(search),
        None => draft.plan(&[]),
    }
}

/// The compute threads of the whole program; before anything computes, since the
/// pool is made on first use.
fn start_threads(plan: &Plan) -> anyhow::Result<()> {
    let threads = plan
        .trials
        .first()
        .map_or(0, |trial| trial.config.machine.threads);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("the compute threads cannot be started")
}

/// Checks, announces and runs a plan; `None` where only the plan was asked for.
fn carry_out(plan: &Plan, arguments: &Arguments, stop: &Stop) -> anyhow::Result<Option<Outcome>> {
    let parameters = plan.check()?;
    if !arguments.json {
        watch::announce(plan, &parameters);
    }
    if arguments.dry_run {
        return Ok(None);
    }
    let mut observer = watch::observer(plan, arguments.json);
    let options = RunOptions {
        store: &arguments.selection.store(),
        stop: stop.clone(),
    };
    Ok(Some(ablate_runner::run(plan, &options, observer.as_mut())?))
}

fn stopped() -> ExitCode {
    eprintln!("stopped; the same command goes on from here");
    ExitCode::from(130)
}

/// Whether an error ended the training. A group that lacks a diverged member has
/// failed too, but there is nothing to try again.
fn is_failed(trial: &Trial) -> bool {
    matches!(trial.status, Status::Failed { .. }) && trial.members.is_empty()
}

/// The first Ctrl-C stops after the step and saves; the second ends at once.
fn stop_on_signal(stop: Stop) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if stop.is_raised() {
            std::process::exit(130);
        }
        stop.raise();
        eprintln!("\nstopping after this step and saving; press Ctrl-C again to end at once");
    })
    .context("the Ctrl-C handler cannot be set")
}
