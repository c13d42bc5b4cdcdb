//! `run`: experiment files from plan to report.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_report::Report;
use anyhow::bail;

use crate::elsewhere::Place;
use crate::execution::{End, Execution};
use crate::grid::Grid;
use crate::ranks::Leader;
use crate::selection::{Selection, Settings};
use crate::watch::Style;

/// What `run` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask run experiments/relu_vs_tanh.toml                    minutes, built-in data
  cargo xtask run experiments/relu_vs_tanh.toml --profile paper    CIFAR-10
  cargo xtask run experiments/lrn.toml --set optimiser.lr=0.003 --seeds 5
  cargo xtask run experiments/lrn.toml --set optimiser.lr=0.003,0.01,0.03
  cargo xtask run experiments/lrn.toml experiments/pooling.toml --jobs 4
  cargo xtask run experiments/lrn.toml --dry-run                   what would be trained
  cargo xtask run experiments/lrn.toml --launcher slurm --launcher-set partition=gpu
  cargo xtask run experiments/lrn.toml --set 'machine.threads=1' --json")]
pub struct Arguments {
    /// The experiments, by file or by name in `experiments/`, run one after the other.
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Print the plan, with the time it would take, and stop.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    style: Style,
    #[command(flatten)]
    place: Place,
    /// Run this trial alone, by the name of its folder, and write no report: what the
    /// tasks of a launcher do.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["launcher", "dry_run", "jobs"])]
    trial: Option<String>,
}

/// Runs the experiments and writes their reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(group) = Leader::join()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let selections = Selection::all(&arguments.experiments, &arguments.settings);
    // A mistake in the last experiment should show before the first is trained.
    let drafts = selections
        .iter()
        .map(Selection::draft)
        .collect::<Result<Vec<_>, _>>()?;
    let mut execution = Execution::begin(arguments.style, &arguments.place, group)?;
    if let Some(name) = &arguments.trial {
        let ([selection], [draft]) = (&selections[..], &drafts[..]) else {
            bail!("--trial {name}: it is of one experiment, without values to sweep over");
        };
        return execution.run_one(selection, draft, name);
    }
    if !arguments.dry_run {
        execution.queue(&selections);
    }
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    // Each is dropped when it is done, with the data sets it has opened.
    for (index, (selection, draft)) in selections.iter().zip(drafts).enumerate() {
        if arguments.dry_run {
            execution.announce(&draft)?;
            continue;
        }
        match execution.run(selection, &draft)? {
            End::Stopped => return execution.stop(&selections[index + 1..]),
            End::Reported {
                report, failure, ..
            } => {
                failures.extend(failure.map(|failure| format!("{}: {failure}", title(selection))));
                rows.push((title(selection), report));
            }
        }
    }
    if rows.len() > 1 && !arguments.style.json {
        print!("\n{}", overview(&rows));
    }
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => bail!(failures.join("\n")),
    }
}

/// An experiment's name, and of a sweep the point's values.
fn title(selection: &Selection) -> String {
    let name = selection.experiment.file_stem().unwrap_or_default();
    let name = name.to_string_lossy();
    std::iter::once(&*name)
        .chain(selection.point.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A line for each report, under a heading: effect and verdict.
fn overview(rows: &[(String, Box<Report>)]) -> String {
    let effect = |report: &Report| {
        let effect = &report.headline.effect;
        let (treatment, baseline) = (&effect.treatment, &effect.baseline);
        format!("{treatment} against {baseline}: {}", effect.text())
    };
    let mut grid = Grid::new(["experiment", "effect", "verdict"]);
    for (title, report) in rows {
        grid.row([title.as_str(), &effect(report), report.verdict().label()]);
    }
    grid.text("")
}
