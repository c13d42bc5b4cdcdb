//! `show`: all there is to know of one stored trial.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use ablate_core::EpochRecord;
use ablate_index::{Index, Row};
use ablate_report::number::count;
use ablate_store::{Trial, TrialFolder};
use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::grid::Grid;
use crate::stored::{self, Leaves, Store, bytes, defaults, text, when};

/// What `show` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask show runs/lrn/quick/with-seed0-1a2b3c4d
  cargo xtask show lrn/quick/with-seed0        the start of a path in the store is enough
  cargo xtask show 1a2b3c4d --config           by its hash, with every config key
  cargo xtask show 1a2b3c4d --json")]
pub struct Arguments {
    /// The trial: its folder, its path in the store, its name, or the start of these or
    /// of its hash that no other trial has.
    trial: String,
    /// Every config key, not only those that differ from their default or among the
    /// trials of the same folder.
    #[arg(long)]
    config: bool,
    /// One JSON object instead.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// Prints the trial.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut index = arguments.store.index()?;
    let row = index.find(&arguments.trial)?;
    let folder = arguments.store.folder().join(row.path());
    let trial = read(&folder)?;
    let files = files(&folder)?;
    let text = match arguments.json {
        true => {
            let mut value = json!(trial);
            value["trial"] = json!(row.path());
            value["running"] = json!(&*row.status == "running");
            value["environment"] = json!(trial.environment);
            value["files"] = files
                .iter()
                .map(|(name, size)| json!({ "name": name, "bytes": size }))
                .collect();
            format!("{value:#}\n")
        }
        false => [
            head(&row, &trial),
            settings(&index, &row, &trial, arguments.config)?,
            epochs(&trial.history),
            listed(&files),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n"),
    };
    stored::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A stored trial, without what its model says.
pub fn read(folder: &Path) -> anyhow::Result<Trial> {
    match TrialFolder::open(folder).record()? {
        Some(trial) => Ok(trial),
        None => bail!("{}: the trial has just been removed", folder.display()),
    }
}

fn head(row: &Row, trial: &Trial) -> String {
    let mut lines = vec![("trial", row.path()), ("hash", trial.hash.clone())];
    lines.push((
        "status",
        match &*row.detail {
            "" => row.status.to_string(),
            detail => format!("{} {detail}", row.status),
        },
    ));
    if let Some(budget) = row.budget {
        lines.push(("epochs", format!("{} of {budget}", row.epochs)));
    }
    if !trial.members.is_empty() {
        let members: Vec<String> = trial.members.iter().map(u64::to_string).collect();
        lines.push(("averages", format!("seeds {}", members.join(", "))));
    }
    lines.push(("data", trial.data.clone()));
    lines.push(("parameters", count(trial.parameters)));
    if let Some(environment) = &trial.environment {
        lines.push(("ran on", environment.text()));
    }
    if row.started.is_some() {
        lines.push(("started", format!("{} UTC", when(row.started))));
    }
    if row.ended.is_some() {
        lines.push(("ended", format!("{} UTC", when(row.ended))));
    }
    let line = |(name, value): (&str, String)| format!("{name:<12}{value}\n");
    lines.into_iter().map(line).collect()
}

/// The config: of every key, or of those that tell this trial from others.
fn settings(index: &Index, row: &Row, trial: &Trial, all: bool) -> anyhow::Result<String> {
    if !trial.members.is_empty() {
        return Ok(String::new());
    }
    let defaults = defaults(&trial.config);
    let mut grid = Grid::new(["config", "value", "default", "others here"]);
    let leaves: Leaves = ablate_store::leaves(&trial.config);
    let mut hidden = 0;
    for (key, value) in &leaves {
        let mut others = index.values_in(&row.folder(), key)?;
        others.retain(|other| !same(other, value));
        let default = defaults.get(key);
        let is_name = key.ends_with(".name") || key == "augmentation.steps";
        let differs = default.is_none_or(|default| !same(default, value));
        if !all && !is_name && !differs && others.is_empty() {
            hidden += 1;
            continue;
        }
        let mut some: Vec<String> = others.iter().take(4).map(text).collect();
        if others.len() > some.len() {
            some.push("...".to_string());
        }
        let default = match default {
            Some(default) if differs => text(default),
            _ => String::new(),
        };
        grid.row([key.clone(), text(value), default, some.join(", ")]);
    }
    let mut text = grid.text("");
    if hidden > 0 {
        text += &format!("and {hidden} keys that have their default; --config shows them\n");
    }
    Ok(text)
}

/// Whether two values are the same; 1 and 1.0 are.
pub fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a.total_cmp(&b).is_eq())
}

/// A line for each epoch.
fn epochs(history: &[EpochRecord]) -> String {
    let mut names = BTreeSet::new();
    for record in history {
        names.extend(record.train.keys().map(|name| (false, name)));
        names.extend(record.validation.keys().map(|name| (true, name)));
    }
    if names.is_empty() {
        return String::new();
    }
    let split = |is_validation: bool| if is_validation { "validation" } else { "train" };
    let header = [">epoch", ">learning rate", ">images/s"].map(String::from);
    let metrics = names
        .iter()
        .map(|(of, name)| format!(">{}.{name}", split(*of)));
    let mut grid = Grid::new(header.into_iter().chain(metrics));
    let cell = |value: Option<&f64>| value.map_or("-".to_string(), |value| format!("{value:.4}"));
    for record in history {
        let mut cells = vec![
            record.epoch.to_string(),
            text(&json!(record.learning_rate)),
            ablate_report::number::rate(record.images_per_second),
        ];
        cells.extend(
            names
                .iter()
                .map(|(is_validation, name)| match is_validation {
                    true => cell(record.validation.get(*name)),
                    false => cell(record.train.get(*name)),
                }),
        );
        grid.row(cells);
    }
    grid.text("")
}

/// The folder's files with their sizes, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    let unreadable = || folder.display().to_string();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let size = entry.metadata().with_context(unreadable)?.len();
        files.push((entry.file_name().to_string_lossy().into_owned(), size));
    }
    files.sort();
    Ok(files)
}

fn listed(files: &[(String, u64)]) -> String {
    let mut grid = Grid::new(["file", ">size"]);
    for (name, size) in files {
        grid.row([name.clone(), bytes(*size)]);
    }
    grid.text("")
}
