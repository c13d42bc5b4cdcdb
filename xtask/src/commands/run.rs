//! `run`: an experiment file from plan to report.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_runner::{Plan, RunOptions, Stop};
use anyhow::{Context, bail};

use crate::{watch, workspace};

/// What `run` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The experiment file.
    experiment: PathBuf,
    /// How much of the real thing to run: `quick`, `ci`, `paper` or a profile of
    /// your own; without it, the experiment's default.
    #[arg(long)]
    profile: Option<String>,
    /// Override a key in every variant, for example `optimiser.lr=0.003`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Seeds a variant; without it, the profile's number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// The run store; without it, `runs/` in the workspace.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Print the plan and stop.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line instead of a progress bar.
    #[arg(long)]
    json: bool,
}

/// Runs the experiment and writes its report.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = Plan::read(
        &arguments.experiment,
        arguments.profile.as_deref(),
        &arguments.settings,
        arguments.seeds,
        workspace::data_context(),
    )?;
    // Before anything computes: the pool is made on first use.
    let threads = plan
        .trials
        .first()
        .map_or(0, |trial| trial.config.machine.threads);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("the compute threads cannot be started")?;
    let parameters = plan.check()?;
    if !arguments.json {
        announce(&plan, &parameters);
    }
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Stop::default();
    stop_on_signal(stop.clone())?;
    let store = arguments
        .store
        .clone()
        .unwrap_or_else(|| workspace::root().join("runs"));
    let mut observer = watch::observer(&plan, arguments.json);
    let options = RunOptions {
        store: &store,
        stop,
    };
    let outcome = ablate_runner::run(&plan, &options, observer.as_mut())?;
    drop(observer);
    if outcome.stopped {
        eprintln!("stopped; the same command goes on from here");
        return Ok(ExitCode::from(130));
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
        .filter(|trial| is_failed(&trial.status))
        .count();
    if failed > 0 {
        bail!(
            "{failed} of {} trials failed; the table names them",
            outcome.trials.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn is_failed(status: &ablate_store::Status) -> bool {
    matches!(status, ablate_store::Status::Failed { .. })
}

/// Says what is about to happen and what the variants differ in.
fn announce(plan: &Plan, parameters: &[(String, usize)]) {
    let experiment = &plan.experiment;
    println!("{} (profile {})", experiment.title, experiment.profile);
    println!(
        "claim: {} [section {}]",
        experiment.claim.text, experiment.claim.section
    );
    for (variant, differences) in &experiment.variants {
        let count = parameters
            .iter()
            .find(|(name, _)| name == variant)
            .map_or(0, |(_, count)| *count);
        let differences: Vec<_> = differences
            .iter()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        println!(
            "  {variant}: {} ({count} parameters)",
            differences.join(", ")
        );
    }
    if let Some(trial) = plan.trials.first() {
        let config = &trial.config;
        if let Ok(data) = plan.dataset(&config.data) {
            println!("data: {}", data.info().description);
        }
        let seeds = plan.trials.len() / experiment.variants.len().max(1);
        println!(
            "{} trials: {} variants x {seeds} seeds, {} epochs each\n",
            plan.trials.len(),
            experiment.variants.len(),
            config.training.epochs
        );
    }
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
