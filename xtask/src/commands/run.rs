//! `run`: an experiment file from plan to report.

use std::process::ExitCode;

use anyhow::bail;

use crate::execution::{End, Execution};
use crate::selection::Selection;

/// What `run` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask run experiments/relu_vs_tanh.toml                    minutes, built-in data
  cargo xtask run experiments/relu_vs_tanh.toml --profile paper    CIFAR-10
  cargo xtask run experiments/lrn.toml --set optimiser.lr=0.003 --seeds 5
  cargo xtask run experiments/lrn.toml --dry-run                   what would be trained
  cargo xtask run experiments/lrn.toml --set 'machine.threads=1' --json")]
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
    let mut execution = Execution::begin(arguments.json)?;
    if arguments.dry_run {
        execution.announce(&arguments.selection)?;
        return Ok(ExitCode::SUCCESS);
    }
    match execution.run(&arguments.selection)? {
        End::Stopped => {
            eprintln!("stopped; the same command goes on from here");
            Ok(ExitCode::from(130))
        }
        End::Reported {
            failure: Some(failure),
            ..
        } => bail!(failure),
        End::Reported { .. } => Ok(ExitCode::SUCCESS),
    }
}
