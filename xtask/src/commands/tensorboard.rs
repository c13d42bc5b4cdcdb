//! `tensorboard`: the real TensorBoard on the trials of the store.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use ablate_runner::config::ExperimentFile;
use anyhow::{Context, bail};

use crate::workspace;

/// What `tensorboard` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask tensorboard                                  everything in runs/
  cargo xtask tensorboard relu_vs_tanh                     one experiment
  cargo xtask tensorboard experiments/lrn.toml --profile paper
  cargo xtask tensorboard -- --port 6007 --bind_all        what TensorBoard takes itself

The tab HParams has a row for each trial: its variant, seed, keys and last metrics.")]
pub struct Arguments {
    /// An experiment by its file, or by its name in the store; without one, all.
    experiment: Option<String>,
    /// Only the trials of this profile.
    #[arg(long, requires = "experiment")]
    profile: Option<String>,
    /// The run store; without it, `runs/` in the project.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The program to start.
    #[arg(long, value_name = "FILE", default_value = "tensorboard")]
    program: PathBuf,
    /// Arguments for TensorBoard.
    #[arg(last = true, value_name = "ARGUMENT")]
    passed_on: Vec<OsString>,
}

/// Runs TensorBoard until it is stopped; its exit code is this command's.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = folder(arguments)?;
    if !holds_events(&folder) {
        bail!(
            "{}: no trial has run here\n  fix: run an experiment first, or name its store with \
             --store",
            folder.display()
        );
    }
    let mut command = Command::new(&arguments.program);
    command
        .arg("--logdir")
        .arg(&folder)
        .args(&arguments.passed_on);
    println!(
        "{} --logdir {}",
        arguments.program.display(),
        folder.display()
    );
    let status = command.status().with_context(|| {
        format!(
            "`{}` cannot be started\n  fix: install it with `pip install tensorboard` (a virtual \
             environment of Python will do), or name the program with --program",
            arguments.program.display()
        )
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // Without a code a signal ended it, as Ctrl-C does.
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// The folder whose trials are meant.
fn folder(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    let mut folder = workspace::store(arguments.store.as_deref());
    if let Some(experiment) = &arguments.experiment {
        folder.push(match Path::new(experiment).extension() {
            Some(_) => ExperimentFile::read(Path::new(experiment))?
                .table()
                .name
                .clone(),
            None => experiment.clone(),
        });
    }
    folder.extend(&arguments.profile);
    Ok(folder)
}

/// Whether an event file lies in the folder, or in one within it.
fn holds_events(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name();
        name.to_string_lossy().contains(".tfevents.") || (is_folder && holds_events(&entry.path()))
    })
}
