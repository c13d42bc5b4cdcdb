//! The commands of `cargo xtask`, one file each; this page is their table of
//! contents.
//!
//! It knows every crate, and links them. How a trial is trained, what a number means
//! and how a report looks are theirs: what is here reads arguments and prints.
//!
//! It is a library so that a program with plugins of its own is three lines:
//! link the plugin crates, then call [`main`]. `cargo xtask new` writes it.

mod bench;
mod commands;
mod complaint;
mod elsewhere;
#[cfg(test)]
mod examples;
mod execution;
mod grid;
mod keys;
mod new;
mod parity;
mod ranks;
#[doc(hidden)]
pub mod readers;
mod selection;
mod stored;
mod sweep;
mod watch;
mod workspace;
mod wrap;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Re-runs the 2012 AlexNet paper as experiments.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100
)]
#[command(after_help = "\
Examples:
  cargo xtask run experiments/relu_vs_tanh.toml                    minutes, built-in data
  cargo xtask run experiments/relu_vs_tanh.toml --profile paper    the real thing, CIFAR-10
  cargo xtask run experiments/lrn.toml --set optimiser.lr=0.003 --seeds 5
  cargo xtask reproduce --profile paper                            every experiment
  cargo xtask describe alexnet                                     every key of a plugin
  cargo xtask summary alexnet                                      layers, parameters, cost

Exit codes: 0 done; 1 failed; 2 wrong usage; 130 stopped (the same command goes on).")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an experiment: train what is not done, then report.
    Run(commands::run::Arguments),
    /// Write an experiment's report again from its stored trials.
    Report(commands::report::Arguments),
    /// Run all experiments one after the other and write docs/RESULTS.md.
    Reproduce(commands::reproduce::Arguments),
    /// List the trials in the run store, by any config key and metric.
    Ls(commands::ls::Arguments),
    /// Show all there is to know of one stored trial.
    Show(commands::show::Arguments),
    /// Set stored trials side by side: what differs, what they measured.
    Compare(commands::compare::Arguments),
    /// Remove trials from the run store.
    Rm(commands::rm::Arguments),
    /// Remove what the run store holds and nobody will read again.
    Gc(commands::gc::Arguments),
    /// Start TensorBoard on the stored trials.
    Tensorboard(commands::tensorboard::Arguments),
    /// Ask a trained network what images show.
    Predict(commands::predict::Arguments),
    /// Write a trained network as a file that PyTorch loads.
    Export(commands::export::Arguments),
    /// Make a network of tensors that PyTorch wrote.
    Import(commands::import::Arguments),
    /// Print what networks are made of: layers, parameters, neurons, cost.
    Summary(commands::summary::Arguments),
    /// Make a project with a plugin of your own.
    New(new::Arguments),
    /// List the plugins this program has.
    #[command(after_help = "\
Example:
  cargo xtask list")]
    List,
    /// Print every config key of a plugin or table: type, default, meaning, source.
    Describe(commands::describe::Arguments),
    /// Fetch data sets, or look at them.
    #[command(subcommand)]
    Data(commands::data::Command),
    /// Check operators and networks against reference fixtures.
    #[command(after_help = "\
Example:
  cargo xtask parity fixtures          every *.safetensors in that folder")]
    Parity {
        /// Folder with fixtures (*.safetensors), searched recursively.
        folder: PathBuf,
    },
    /// Time operators and networks beside stock candle and PyTorch.
    Bench(bench::BenchArgs),
    /// Run everything continuous integration runs: format, lints, docs, tests.
    Test(commands::test::Arguments),
    /// Print a script that completes these commands in a shell.
    Completions(commands::completions::Arguments),
}

/// Parses the command line and runs the command, for the project in the folder
/// `project`: its `experiments/`, `runs/`, `data/` and `docs/` are meant where no
/// others are named.
pub fn main(project: impl AsRef<Path>) -> ExitCode {
    ablate_ops::keep_freed_memory();
    workspace::enter(project.as_ref());
    let cli = Cli::parse();
    watch::quiet_foreign_panics();
    let result = ablate_ops::check_level()
        .map_err(anyhow::Error::msg)
        .and_then(|()| run(cli.command));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", complaint::text(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Reproduce(arguments) => commands::reproduce::run(&arguments),
        Command::Ls(arguments) => commands::ls::run(&arguments),
        Command::Show(arguments) => commands::show::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::Rm(arguments) => commands::rm::run(&arguments),
        Command::Gc(arguments) => commands::gc::run(&arguments),
        Command::Tensorboard(arguments) => commands::tensorboard::run(&arguments),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Import(arguments) => commands::import::run(&arguments),
        Command::Summary(arguments) => commands::summary::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::List => commands::list::run(),
        Command::Describe(arguments) => commands::describe::run(&arguments),
        Command::Data(command) => commands::data::run(&command),
        Command::Parity { folder } => commands::parity::run(&folder),
        Command::Bench(arguments) => bench::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Test(arguments) => commands::test::run(&arguments),
        Command::Completions(arguments) => {
            Ok(commands::completions::run(&arguments, Cli::command()))
        }
    }
}
