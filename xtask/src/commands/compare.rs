//! `compare`: stored trials side by side, where their configs differ and what they
//! measured.

use std::collections::BTreeSet;
use std::process::ExitCode;

use ablate_index::Row;
use ablate_report::number::{count, rate};
use ablate_store::Trial;
use anyhow::bail;
use serde_json::{Value, json};

use super::show::{read, same};
use crate::grid::Grid;
use crate::stored::{self, Leaves, Store, text};

/// What `compare` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask compare lrn/quick/with-seed0 lrn/quick/without-seed0
  cargo xtask compare 1a2b3c4d 5e6f7a8b 9c0d1e2f
  cargo xtask compare 1a2b3c4d 5e6f7a8b --json

`report` judges a claim over seeds, with intervals.")]
pub struct Arguments {
    /// The trials, two or more, each named as for `cargo xtask show`.
    #[arg(required = true, num_args = 2.., value_name = "TRIAL")]
    trials: Vec<String>,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// A trial with its config's leaves.
struct Side {
    row: Row,
    trial: Trial,
    leaves: Leaves,
}

/// Prints the trials side by side.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut index = arguments.store.index()?;
    let mut sides: Vec<Side> = Vec::new();
    for name in &arguments.trials {
        let row = index.find(name)?;
        if sides.iter().any(|side| side.row.path() == row.path()) {
            bail!("`{name}`: this trial is named twice\n  fix: name another");
        }
        let trial = read(&arguments.store.folder().join(row.path()))?;
        let leaves = match trial.members.is_empty() {
            true => ablate_store::leaves(&trial.config),
            false => Leaves::new(),
        };
        sides.push(Side { row, trial, leaves });
    }
    let differences = differences(&sides);
    let metrics = metrics(&sides);
    let text = match arguments.json {
        true => json(&sides, &differences, &metrics),
        false => tables(&sides, &differences, &metrics),
    };
    stored::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A name with its value for each trial.
type Line<T> = (String, Vec<Option<T>>);

/// The keys whose values are not the same everywhere.
fn differences(sides: &[Side]) -> Vec<Line<Value>> {
    let keys: BTreeSet<&String> = sides.iter().flat_map(|side| side.leaves.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let values: Vec<Option<Value>> = sides
            .iter()
            .map(|side| side.leaves.get(key).cloned())
            .collect();
        let agree = values.windows(2).all(|pair| match (&pair[0], &pair[1]) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        });
        if !agree {
            found.push((key.clone(), values));
        }
    }
    found
}

/// The last value of each metric, and of the validation metrics also the least.
fn metrics(sides: &[Side]) -> Vec<Line<f64>> {
    let mut names = BTreeSet::new();
    for record in sides.iter().flat_map(|side| &side.trial.history) {
        names.extend(record.train.keys().map(|name| (false, name.clone())));
        names.extend(record.validation.keys().map(|name| (true, name.clone())));
    }
    let mut found = Vec::new();
    for (is_validation, name) in names {
        let values = |side: &Side| -> Vec<f64> {
            let of = side.trial.history.iter().map(|record| match is_validation {
                true => record.validation.get(&name),
                false => record.train.get(&name),
            });
            of.flatten().copied().collect()
        };
        let last = sides
            .iter()
            .map(|side| values(side).last().copied())
            .collect();
        let least = |side: &Side| values(side).into_iter().reduce(f64::min);
        match is_validation {
            true => {
                found.push((format!("validation.{name}"), last));
                let least = sides.iter().map(least).collect();
                found.push((format!("validation.{name}.min"), least));
            }
            false => found.push((format!("train.{name}"), last)),
        }
    }
    found
}

fn tables(sides: &[Side], differences: &[Line<Value>], metrics: &[Line<f64>]) -> String {
    // Names alone where they tell the trials apart.
    let names: BTreeSet<&String> = sides.iter().map(|side| &side.row.name).collect();
    let heading = |side: &Side| match names.len() == sides.len() {
        true => side.row.name.clone(),
        false => side.row.path(),
    };
    let headings: Vec<String> = sides.iter().map(heading).collect();
    let header = |first: &str, right: &str| {
        let first = std::iter::once(first.to_string());
        let rest = headings.iter().map(|name| format!("{right}{name}"));
        first.chain(rest).collect::<Vec<_>>()
    };
    let mut config = Grid::new(header("config", ""));
    for (key, values) in differences {
        let cells = values
            .iter()
            .map(|value| value.as_ref().map_or(String::new(), text));
        config.row(std::iter::once(key.clone()).chain(cells));
    }
    let mut results = Grid::new(header("measured", ">"));
    let mut add = |name: &str, cell: &dyn Fn(&Side) -> String| {
        let cells = sides.iter().map(cell);
        results.row(std::iter::once(name.to_string()).chain(cells));
    };
    add("status", &|side| side.row.status.to_string());
    add("epochs", &|side| side.row.epochs.to_string());
    add("parameters", &|side| count(side.trial.parameters));
    add("images/s", &|side| {
        let last = side
            .trial
            .history
            .last()
            .filter(|record| !record.train.is_empty());
        last.map_or("-".to_string(), |record| rate(record.images_per_second))
    });
    for (name, values) in metrics {
        let cells = values
            .iter()
            .map(|value| value.map_or("-".to_string(), |v| format!("{v:.4}")));
        results.row(std::iter::once(name.clone()).chain(cells));
    }
    let config = match differences.is_empty() {
        true => "their configs are the same\n".to_string(),
        false => config.text(""),
    };
    format!("{config}\n{}", results.text(""))
}

fn json(sides: &[Side], differences: &[Line<Value>], metrics: &[Line<f64>]) -> String {
    let trial = |side: &Side| {
        json!({
            "trial": side.row.path(),
            "status": &*side.row.status,
            "epochs": side.row.epochs,
            "parameters": side.trial.parameters,
        })
    };
    let config: serde_json::Map<String, Value> = differences
        .iter()
        .map(|(key, values)| (key.clone(), json!(values)))
        .collect();
    let measured: serde_json::Map<String, Value> = metrics
        .iter()
        .map(|(name, values)| (name.clone(), json!(values)))
        .collect();
    let value = json!({
        "trials": sides.iter().map(trial).collect::<Vec<_>>(),
        "config": config,
        "metrics": measured,
    });
    format!("{value:#}\n")
}
