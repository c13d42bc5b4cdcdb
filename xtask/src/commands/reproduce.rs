//! `reproduce`: every experiment, and one page of what came of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_report::{Ending, Entry};
use ablate_runner::config::ExperimentFile;
use anyhow::{Context, bail};

use crate::execution::{End, Execution};
use crate::selection::Selection;
use crate::workspace;

/// What `reproduce` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Experiments by name or file, which the page is then of; without any, all of
    /// `experiments/` that have the profile.
    experiments: Vec<String>,
    /// The profile of all of them; without it, each one's default.
    #[arg(long)]
    profile: Option<String>,
    /// The run store; without it, `runs/` in the workspace.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The folder of RESULTS.md and `results/`; without it, `docs/` in the
    /// workspace.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the experiments one after the other; one that is broken does not stop the
/// rest, but the command then fails.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let files = files(arguments)?;
    let usual = || workspace::root().join("docs");
    let out = arguments.out.clone().unwrap_or_else(usual);
    fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let mut execution = Execution::begin(false)?;
    let mut entries = Vec::new();
    for file in files {
        let selection = Selection {
            profile: arguments.profile.clone(),
            store: arguments.store.clone(),
            ..Selection::of(file)
        };
        let ending = match execution.run(&selection) {
            Ok(End::Stopped) => {
                eprintln!("stopped; the same command goes on from here");
                return Ok(ExitCode::from(130));
            }
            Ok(End::Reported {
                report,
                folder,
                failure,
            }) => {
                publish(&folder, &out, &report.experiment.name)?;
                Ending::Reported { report, failure }
            }
            Err(error) => {
                eprintln!("error: {}: {error:#}", selection.experiment.display());
                Ending::Broken {
                    problem: format!("{error:#}"),
                }
            }
        };
        entries.push(entry(&selection, ending, &out)?);
    }
    let page = out.join("RESULTS.md");
    ablate_store::atomic::write(&page, ablate_report::results(&entries).as_bytes())?;
    println!("results:     {}", page.display());
    let broken = entries.iter().filter(|entry| entry.has_failed()).count();
    if broken > 0 {
        bail!(
            "{broken} of {} experiments failed; the messages are above",
            entries.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What the page says of one experiment.
fn entry(selection: &Selection, ending: Ending, out: &Path) -> anyhow::Result<Entry> {
    let file = &selection.experiment;
    let shown = file.strip_prefix(workspace::root()).unwrap_or(file);
    let profile = selection
        .profile
        .as_ref()
        .map(|profile| format!(" --profile {profile}"));
    let command = format!(
        "cargo xtask run {}{}",
        shown.display(),
        profile.unwrap_or_default()
    );
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let notes = out.join("results").join(format!("{name}.md"));
    let notes = match notes.exists() {
        true => fs::read_to_string(&notes).with_context(|| notes.display().to_string())?,
        false => String::new(),
    };
    Ok(Entry {
        name: name.into_owned(),
        command,
        notes,
        ending,
    })
}

/// Copies the curves beside the page.
fn publish(report: &Path, out: &Path, name: &str) -> anyhow::Result<()> {
    let folder = out.join("results");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let (from, to) = (
        report.join("curves.svg"),
        folder.join(format!("{name}.svg")),
    );
    let picture = fs::read(&from).with_context(|| from.display().to_string())?;
    ablate_store::atomic::write(&to, &picture)?;
    Ok(())
}

/// The files of the named experiments; without names, of all that have the profile,
/// in alphabetical order.
fn files(arguments: &Arguments) -> anyhow::Result<Vec<PathBuf>> {
    let folder = workspace::root().join("experiments");
    if !arguments.experiments.is_empty() {
        let file = |name: &String| match Path::new(name).extension() {
            Some(_) => PathBuf::from(name),
            None => folder.join(format!("{name}.toml")),
        };
        return Ok(arguments.experiments.iter().map(file).collect());
    }
    let listed = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for entry in listed {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        let is_experiment = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if is_experiment && has_profile(&path, arguments.profile.as_deref()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether an experiment has a profile. One that cannot be read is taken to, so
/// that running it tells why.
fn has_profile(file: &Path, profile: Option<&str>) -> bool {
    let Some(profile) = profile else {
        return true;
    };
    ExperimentFile::read(file).map_or(true, |file| file.profiles().any(|name| name == profile))
}
