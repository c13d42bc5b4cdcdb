//! `reproduce`: every experiment, and one page of what came of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_report::{Entry, Report};
use ablate_runner::config::ExperimentFile;
use ablate_store::atomic;
use anyhow::{Context, anyhow, bail};

use crate::complaint;
use crate::elsewhere::Place;
use crate::execution::{End, Execution};
use crate::ranks::Leader;
use crate::selection::{Selection, Settings};
use crate::watch::Style;
use crate::workspace;

/// What `reproduce` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask reproduce                                    every experiment, its default profile
  cargo xtask reproduce --profile paper                    those that have the profile
  cargo xtask reproduce relu_vs_tanh lrn --out results     two of them, on a page elsewhere")]
pub struct Arguments {
    /// Experiments by name or file, whose rows of the page are made anew; without
    /// any, all of `experiments/` that have the profile. Other rows stay.
    experiments: Vec<PathBuf>,
    /// The profile of all of them; without it, each one's default.
    #[arg(long)]
    profile: Option<String>,
    /// The run store; without it, `runs/` in the project.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Plain lines instead of the live view, also on a terminal.
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    place: Place,
    /// The folder of RESULTS.md and `results/`; without it, `docs/` in the
    /// project.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the experiments one after the other, writing the page after each; one that
/// is broken does not stop the rest, but the command then fails.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(group) = Leader::join()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let selections = selections(arguments)?;
    let usual = || workspace::root().join("docs");
    let mut page = Page::open(arguments.out.clone().unwrap_or_else(usual))?;
    let style = Style {
        plain: arguments.plain,
        json: false,
    };
    let mut execution = Execution::begin(style, &arguments.place, group)?;
    execution.queue(&selections);
    let (mut broken, count) = (0, selections.len());
    for (index, selection) in selections.iter().enumerate() {
        let command = selection.command();
        let draft = selection.draft().map_err(anyhow::Error::from);
        match draft.and_then(|draft| execution.run(selection, &draft)) {
            Ok(End::Stopped) => return execution.stop(&selections[index + 1..]),
            Ok(End::Reported {
                report,
                folder,
                failure,
            }) => {
                broken += usize::from(failure.is_some());
                page.publish(&report, &folder, &command, failure.as_deref())?;
            }
            Err(error) => {
                let file = &selection.experiment;
                eprintln!("error: {}: {}", file.display(), complaint::text(&error));
                broken += 1;
                page.tell(Entry::broken(&name(file), &command, &format!("{error:#}")))?;
            }
        }
        page.write()?;
    }
    println!("results:     {}", page.path().display());
    if broken > 0 {
        bail!("{broken} of {count} experiments failed; the messages are above");
    }
    Ok(ExitCode::SUCCESS)
}

/// RESULTS.md with what it is made of.
pub struct Page {
    out: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Page {
    /// The page as earlier runs left it; an empty one where there were none.
    ///
    /// # Errors
    /// What they left cannot be read.
    pub fn open(out: PathBuf) -> anyhow::Result<Self> {
        let folder = out.join("results");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut entries = BTreeMap::new();
        for path in listed(&folder, "json")? {
            let named = || path.display().to_string();
            let text = fs::read_to_string(&path).with_context(named)?;
            let entry = entry(&path, &text).map_err(|problem| {
                let fix = "remove it and run `cargo xtask reproduce` for its experiment";
                anyhow!("{}: {problem}\n  fix: {fix}", path.display())
            })?;
            entries.insert(entry.name.clone(), entry);
        }
        Ok(Self { out, entries })
    }

    fn path(&self) -> PathBuf {
        self.out.join("RESULTS.md")
    }

    /// Puts an experiment on the page, its pictures beside it.
    fn publish(
        &mut self,
        report: &Report,
        folder: &Path,
        command: &str,
        failure: Option<&str>,
    ) -> anyhow::Result<()> {
        let entry = Entry::new(report, command, failure);
        let results = self.out.join("results");
        let copy = |from: &str, to: String| -> anyhow::Result<()> {
            let from = folder.join(from);
            let picture = fs::read(&from).with_context(|| from.display().to_string())?;
            Ok(atomic::write(&results.join(to), &picture)?)
        };
        let name = &entry.name;
        copy("curves.svg", format!("{name}.svg"))?;
        for (figure, _) in &entry.figures {
            copy(&format!("{figure}.svg"), format!("{name}-{figure}.svg"))?;
        }
        self.keep(entry)
    }

    /// Puts an experiment on the page that gave no report, unless an earlier run has
    /// one of it.
    fn tell(&mut self, broken: Entry) -> anyhow::Result<()> {
        match self.entries.get(&broken.name) {
            Some(entry) if !entry.is_broken() => Ok(()),
            _ => self.keep(broken),
        }
    }

    /// Keeps an entry for this page and those of later runs.
    fn keep(&mut self, entry: Entry) -> anyhow::Result<()> {
        let file = self
            .out
            .join("results")
            .join(format!("{}.json", entry.name));
        atomic::write(&file, entry.to_json()?.as_bytes())?;
        self.entries.insert(entry.name.clone(), entry);
        Ok(())
    }

    /// Writes RESULTS.md.
    ///
    /// # Errors
    /// A note cannot be read, or the page not be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let mut notes = BTreeMap::new();
        for name in self.entries.keys() {
            let path = self.out.join("results").join(format!("{name}.md"));
            if path.exists() {
                let text = fs::read_to_string(&path);
                notes.insert(&**name, text.with_context(|| path.display().to_string())?);
            }
        }
        let entries: Vec<Entry> = self.entries.values().cloned().collect();
        let notes = |name: &str| notes.get(name).cloned().unwrap_or_default();
        let page = ablate_report::results(&entries, notes);
        Ok(atomic::write(&self.path(), page.as_bytes())?)
    }
}

/// What an earlier run left of an experiment. Notes and pictures are looked for by its
/// name, which must not lead elsewhere.
///
/// # Errors
/// Why it is none, or is that of another experiment.
fn entry(path: &Path, text: &str) -> Result<Entry, String> {
    let entry = Entry::from_json(text)?;
    match path.file_stem().is_some_and(|stem| *stem == *entry.name) {
        true => Ok(entry),
        false => Err(format!("its `name` is `{}`, not the file's", entry.name)),
    }
}

/// The experiment's name: in its file, or where that cannot be read, of it.
fn name(file: &Path) -> String {
    match ExperimentFile::read(file) {
        Ok(read) => read.table().name.clone(),
        Err(_) => {
            let stem = file.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        }
    }
}

/// The files of a folder with an ending, in alphabetical order.
fn listed(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let named = || folder.display().to_string();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What is asked for, an experiment each.
fn selections(arguments: &Arguments) -> anyhow::Result<Vec<Selection>> {
    let selection = |file| Selection {
        experiment: file,
        settings: Settings {
            profile: arguments.profile.clone(),
            store: arguments.store.clone(),
            ..Settings::default()
        },
        point: Vec::new(),
    };
    Ok(files(arguments)?.into_iter().map(selection).collect())
}

/// The files of the named experiments; without names, of all that have the profile,
/// in alphabetical order.
fn files(arguments: &Arguments) -> anyhow::Result<Vec<PathBuf>> {
    if !arguments.experiments.is_empty() {
        let named = arguments.experiments.iter();
        return Ok(named.map(|file| workspace::experiment(file)).collect());
    }
    let mut files = listed(&workspace::root().join("experiments"), "toml")?;
    files.retain(|file| has_profile(file, arguments.profile.as_deref()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_another_name_is_refused() {
        let read = |file: &str, name: &str| {
            let text = Entry::broken(name, "a command", "a problem").to_json();
            entry(Path::new(file), &text.expect("JSON"))
        };
        assert!(read("results/a.b.json", "a.b").is_ok());
        for name in ["b", "../secret", "/etc/passwd", ""] {
            let error = read("results/a.json", name).expect_err(name);
            assert_eq!(error, format!("its `name` is `{name}`, not the file's"));
        }
    }
}
