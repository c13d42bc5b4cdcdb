//! `gc`: what the run store holds that nobody will read again.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use ablate_store::{Garbage, Reason, garbage};
use anyhow::bail;
use serde_json::json;

use crate::grid::Grid;
use crate::stored::{self, Store, bytes};

/// What `gc` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask gc                       what would go, and what that frees
  cargo xtask gc --yes                 remove it
  cargo xtask gc --checkpoints --yes   also the networks of ended trials
  cargo xtask gc --json                each file

It never removes a trial: what no experiment file produces any more may be a point of a sweep or \
last year's evidence, which `cargo xtask rm` is for. Trials that a process trains now are passed \
over. What a symbolic link leads to is left alone, and is an error where it holds trials.")]
pub struct Arguments {
    /// Also the newest checkpoint of trials that have ended. Their results stay and
    /// they are not run again, but `predict` and `export` have no network any more.
    #[arg(long)]
    checkpoints: bool,
    /// Remove it. Without, it is only counted.
    #[arg(long)]
    yes: bool,
    /// One JSON object for each file or folder instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// Finds the garbage, and removes it on request.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut index = arguments.store.index()?;
    let (mut found, mut failures): (Vec<Garbage>, Vec<String>) = (Vec::new(), Vec::new());
    for folder in index.folders()? {
        match garbage(index.store(), &folder, arguments.checkpoints, arguments.yes) {
            Ok(some) => found.extend(some),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if arguments.yes {
        index.refresh()?;
        stored::say_notes(&mut index);
    }
    match arguments.json {
        true => stored::print(&lines(&found))?,
        false => stored::print(&table(&found, arguments.yes))?,
    }
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => bail!(failures.join("\n")),
    }
}

fn lines(found: &[Garbage]) -> String {
    let line = |garbage: &Garbage| {
        let reason = garbage.reason.text();
        let value = json!({ "path": garbage.path, "reason": reason, "bytes": garbage.bytes });
        format!("{value}\n")
    };
    found.iter().map(line).collect()
}

fn table(found: &[Garbage], removed: bool) -> String {
    if found.is_empty() {
        return "nothing to remove\n".to_string();
    }
    let mut sums: BTreeMap<Reason, (usize, u64)> = BTreeMap::new();
    for garbage in found {
        let (count, size) = sums.entry(garbage.reason).or_default();
        *count += 1;
        *size += garbage.bytes;
    }
    let mut grid = Grid::new(["what", ">number", ">size"]);
    for (reason, (count, size)) in &sums {
        grid.row([reason.text().to_string(), count.to_string(), bytes(*size)]);
    }
    let size = bytes(found.iter().map(|garbage| garbage.bytes).sum());
    let folders: BTreeSet<_> = found
        .iter()
        .filter_map(|garbage| garbage.path.parent())
        .collect();
    let end = match removed {
        true => format!("{size} freed in {} folders", folders.len()),
        false => format!(
            "{size} can be freed in {} folders: add --yes",
            folders.len()
        ),
    };
    format!("{}\n{end}\n", grid.text(""))
}
