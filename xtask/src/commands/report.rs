//! `report`: tables, curves and verdict from stored trials.

use std::path::Path;
use std::process::ExitCode;

use ablate_report::Report;
use ablate_store::{Experiment, Trial};
use anyhow::bail;

use crate::selection::Selection;

/// What `report` takes: the same as the `run` whose trials it reads.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask report experiments/relu_vs_tanh.toml                 after the same `run`
  cargo xtask report experiments/relu_vs_tanh.toml --profile paper --seeds 3")]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
}

/// Reads the planned trials from the store and reports on them.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let selection = &arguments.selection;
    let (draft, store) = (selection.draft()?, selection.store());
    let searched = match draft.search()? {
        None => Vec::new(),
        Some(search) => ablate_runner::stored(&search, &store)?.1,
    };
    let plan = draft.plan(&searched)?;
    let (folder, trials) = ablate_runner::stored(&plan, &store)?;
    if trials.is_empty() {
        bail!(
            "{}: no trial has run yet\n  fix: cargo xtask run {}",
            folder.path().display(),
            selection.experiment.display()
        );
    }
    write(&plan.experiment, &trials, folder.path(), false)?;
    Ok(ExitCode::SUCCESS)
}

/// The folder of a report within its experiment's.
pub const FOLDER: &str = "report";

/// Writes the report and prints its table.
pub fn write(
    experiment: &Experiment,
    trials: &[Trial],
    folder: &Path,
    json: bool,
) -> anyhow::Result<Report> {
    let target = folder.join(FOLDER);
    let report = ablate_report::write(experiment, trials, &target)?;
    if json {
        let line = serde_json::json!({ "event": "report", "folder": target, "verdict": report.verdict().key() });
        println!("{line}");
        return Ok(report);
    }
    println!("\n{}", report.terminal());
    println!("\nreport:      {}", target.join("report.md").display());
    println!("curves:      {}", target.join("curves.png").display());
    for figure in report.figures() {
        let file = target.join(format!("{}.png", figure.name));
        println!("{:<12} {}", format!("{}:", figure.name), file.display());
    }
    println!("TensorBoard: tensorboard --logdir {}", folder.display());
    Ok(report)
}
