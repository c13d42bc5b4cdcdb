//! `ls`: the trials in the run store, as a table or for other programs.

use std::io::{BufWriter, IsTerminal, stdout};
use std::process::ExitCode;

use ablate_index::{Condition, Details, Query, Row};
use anyhow::bail;
use serde_json::{Value, json};

use crate::stored::{self, Column, FIELDS, Filter, Flat, Store, VALUES, field};

/// What `ls` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask ls                                                   every trial
  cargo xtask ls --experiment lrn --profile paper --status unfinished,failed
  cargo xtask ls --where 'optimiser.lr>=0.01' --where model.name=alexnet
  cargo xtask ls --where 'validation.top1_error<0.3' --sort validation.top1_error --limit 20
  cargo xtask ls --csv > runs.csv                                  for R or a spreadsheet
  cargo xtask ls --json > runs.jsonl                               for jq or a script
  cargo xtask ls --parquet > runs.parquet                          for pandas, Polars or DuckDB

A condition is KEY, one of = != < <= > >=, and VALUE; quote it for the shell. Keys are those of \
the config (`optimiser.lr`), metrics (`train.loss`, `validation.top1_error`: the last value; \
`validation.top1_error.min` and `.max`: over all epochs; `learning_rate`, `images_per_second`), \
and experiment, profile, search, name, variant, seed, hash, status, epochs, budget, parameters, \
size in bytes, started and ended (`started>=2026-11-25`, in UTC). A trial that lacks the key does \
not pass. `best` and `last` are the least and the last top-1 error on the validation split.

It reads an index, `index.sqlite` in the store, and finds out what has changed since; the index \
may be deleted at any time.")]
pub struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Sort by a key, the least first and trials without it last.
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// The other way round.
    #[arg(long)]
    reverse: bool,
    /// At most so many trials.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Keys to show beside those that are asked for; several with commas.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    columns: Vec<String>,
    /// One JSON object a line, with every config key and metric.
    #[arg(long, conflicts_with_all = ["csv", "columns"])]
    json: bool,
    /// Comma-separated values, with every config key and metric.
    #[arg(long, conflicts_with = "columns")]
    csv: bool,
    /// A Parquet file on standard output, with every config key and metric in columns
    /// that have types.
    #[arg(long, conflicts_with_all = ["json", "csv", "columns"])]
    parquet: bool,
    /// Read every trial's folder again, where a record was edited by hand.
    #[arg(long)]
    rebuild: bool,
    #[command(flatten)]
    store: Store,
}

/// Prints the trials.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut index = arguments.store.index()?;
    if arguments.rebuild {
        index.rebuild()?;
    }
    let has_all = arguments.json || arguments.csv || arguments.parquet;
    let query = Query {
        sort: arguments.sort.clone(),
        reverse: arguments.reverse,
        limit: arguments.limit,
        columns: match has_all {
            true => Vec::new(),
            false => arguments.shown(),
        },
        ..arguments.filter.query()
    };
    if !has_all {
        let table = stored::table(&mut index, &query)?;
        stored::say_notes(&mut index);
        stored::print(&table)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = index.list(&query)?;
    stored::say_notes(&mut index);
    let details = index.details(&rows)?;
    if arguments.json {
        stored::print(&json_lines(&rows, &details))?;
    } else if arguments.csv {
        stored::print(&csv(&Flat::new(&rows, &details)))?;
    } else {
        parquet(&Flat::new(&rows, &details))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// The keys to show: those that trials are chosen or sorted by and the table does
    /// not have anyway, then those asked for.
    fn shown(&self) -> Vec<String> {
        let conditions = self.filter.conditions.iter();
        let keys = conditions
            .map(|Condition { key, .. }| key)
            .chain(&self.sort);
        let mut shown: Vec<String> = Vec::new();
        // A key of the config or a metric has a dot, or is one of two.
        let has_column = |key: &&String| {
            !(key.contains('.') || matches!(key.as_str(), "learning_rate" | "images_per_second"))
        };
        let keys = keys.filter(|key| !has_column(key)).chain(&self.columns);
        for key in keys {
            if !shown.contains(key) {
                shown.push(key.clone());
            }
        }
        shown
    }
}

/// A line of JSON a trial.
pub fn json_lines(rows: &[Row], details: &[Details]) -> String {
    let mut text = String::new();
    for (row, details) in rows.iter().zip(details) {
        let mut line = json!({});
        for name in FIELDS {
            line[name] = field(row, name);
        }
        line["config"] = json!(details.config);
        let metrics = details.metrics.iter();
        line["metrics"] = metrics
            .flat_map(|(name, values)| {
                let named = VALUES.iter().map(move |which| format!("{name}{which}"));
                named.zip(values.iter().map(|value| json!(value)))
            })
            .collect();
        text += &format!("{line}\n");
    }
    text
}

/// A line of names and a line a trial; what a trial lacks is empty.
pub fn csv(flat: &Flat) -> String {
    let columns = flat.columns();
    let mut text = match flat.len() {
        0 => String::new(),
        _ => line(columns.iter().map(Column::name)),
    };
    for row in 0..flat.len() {
        let cells = columns.iter().map(|column| match flat.cell(row, column) {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        });
        text += &line(cells);
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

/// Writes a Parquet file to standard output, which must be one or a pipe.
fn parquet(flat: &Flat) -> anyhow::Result<()> {
    if stdout().is_terminal() {
        bail!("a Parquet file is not for a terminal\n  fix: send it to a file, `> runs.parquet`");
    }
    stored::write_parquet(flat, BufWriter::new(stdout()))
}
