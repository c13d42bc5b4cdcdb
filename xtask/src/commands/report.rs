//! `report`: tables, curves and verdict from stored trials.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_report::Report;
use ablate_store::{Experiment, Trial};
use anyhow::bail;

use crate::selection::{Selection, Settings};

/// What `report` takes: the same as the `run` whose trials it reads.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask report experiments/relu_vs_tanh.toml                 after the same `run`
  cargo xtask report experiments/relu_vs_tanh.toml --profile paper --seeds 3")]
pub struct Arguments {
    /// The experiments, by file or by name in `experiments/`.
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Reads the planned trials from the store and reports on them.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for selection in Selection::all(&arguments.experiments, &arguments.settings) {
        of(&selection)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports on one experiment.
fn of(selection: &Selection) -> anyhow::Result<()> {
    let (draft, store) = (selection.draft()?, selection.store());
    let searched = draft.searched(&store)?;
    let plan = draft.plan(&searched)?;
    let (folder, trials) = ablate_runner::stored(&plan, &store)?;
    if trials.is_empty() {
        bail!(
            "{}: no trial has run yet\n  fix: {}",
            folder.path().display(),
            selection.command_here()
        );
    }
    let target = folder.path().join(selection.report_folder());
    let command = selection.command();
    write(&plan.experiment, &trials, &target, &command, false)?;
    Ok(())
}

/// Writes the report into the folder `target` and prints its table. `command` is what
/// makes it again.
pub fn write(
    experiment: &Experiment,
    trials: &[Trial],
    target: &Path,
    command: &str,
    json: bool,
) -> anyhow::Result<Report> {
    let report = ablate_report::write(experiment, trials, target, command)?;
    if json {
        let line = serde_json::json!({ "event": "report", "folder": target, "verdict": report.verdict().key() });
        println!("{line}");
        return Ok(report);
    }
    println!("\n{}", report.terminal());
    println!("\nreport:      {}", target.join("report.html").display());
    println!("as text:     {}", target.join("report.md").display());
    println!("curves:      {}", target.join("curves.png").display());
    for figure in report.figures() {
        let file = target.join(format!("{}.png", figure.name));
        println!("{:<12} {}", format!("{}:", figure.name), file.display());
    }
    let trials = target.parent().unwrap_or(target);
    println!("TensorBoard: tensorboard --logdir {}", trials.display());
    Ok(report)
}
