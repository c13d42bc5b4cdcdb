//! `report`: tables, curves and verdict from stored trials.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_runner::Plan;
use ablate_store::{Experiment, ExperimentFolder, Trial};
use anyhow::bail;

use crate::workspace;

/// What `report` takes: the same as the `run` whose trials it reads.
#[derive(clap::Args)]
pub struct Arguments {
    /// The experiment file.
    experiment: PathBuf,
    /// The profile that was run.
    #[arg(long)]
    profile: Option<String>,
    /// The settings that were run.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The number of seeds that were run.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// The run store; without it, `runs/` in the workspace.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// Reads the planned trials from the store and reports on them.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = Plan::read(
        &arguments.experiment,
        arguments.profile.as_deref(),
        &arguments.settings,
        arguments.seeds,
        workspace::data_context(),
    )?;
    let store = arguments
        .store
        .clone()
        .unwrap_or_else(|| workspace::root().join("runs"));
    let folder = ExperimentFolder::create(&store, &plan.experiment)?;
    let mut trials = Vec::new();
    for planned in &plan.trials {
        let place = folder.trial(&planned.variant, planned.seed, &planned.hash)?;
        trials.extend(place.read()?);
    }
    if trials.is_empty() {
        bail!(
            "{}: no trial has run yet\n  fix: cargo xtask run {}",
            folder.path().display(),
            arguments.experiment.display()
        );
    }
    write(&plan.experiment, &trials, folder.path(), false)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the report and prints its table.
pub fn write(
    experiment: &Experiment,
    trials: &[Trial],
    folder: &Path,
    json: bool,
) -> anyhow::Result<()> {
    let target = folder.join("report");
    let report = ablate_report::write(experiment, trials, &target)?;
    if json {
        let line = serde_json::json!({ "event": "report", "folder": target, "verdict": report.verdict().key() });
        println!("{line}");
        return Ok(());
    }
    println!("\n{}", report.terminal());
    println!("\nreport:      {}", target.join("report.md").display());
    println!("curves:      {}", target.join("curves.png").display());
    println!("TensorBoard: tensorboard --logdir {}", folder.display());
    Ok(())
}
