//! `ls`: the trials in the run store, as a table or for other programs.

use std::collections::BTreeSet;
use std::process::ExitCode;

use ablate_index::{Condition, Details, Query, Row, date};
use serde_json::{Value, json};

use crate::stored::{self, Filter, Grid, Store, bytes, percent, text, when};

/// What `ls` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask ls                                                   every trial
  cargo xtask ls --experiment lrn --profile paper --status unfinished,failed
  cargo xtask ls --where 'optimiser.lr>=0.01' --where model.name=alexnet
  cargo xtask ls --where 'validation.top1_error<0.3' --sort validation.top1_error --limit 20
  cargo xtask ls --csv > runs.csv                                  for R or a spreadsheet
  cargo xtask ls --json > runs.jsonl                               for pandas, DuckDB or jq

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
    let query = Query {
        sort: arguments.sort.clone(),
        reverse: arguments.reverse,
        limit: arguments.limit,
        columns: match arguments.json || arguments.csv {
            true => Vec::new(),
            false => arguments.shown(),
        },
        ..arguments.filter.query()
    };
    let rows = index.list(&query)?;
    stored::say_notes(&mut index);
    let text = if arguments.json || arguments.csv {
        let details = index.details(&rows)?;
        match arguments.json {
            true => json_lines(&rows, &details),
            false => csv(&rows, &details),
        }
    } else {
        table(&rows, &query.columns)
    };
    stored::print(&text)?;
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

/// The columns of the table, before those of keys; `>` stands before numbers.
const COLUMNS: [&str; 7] = [
    "trial",
    "status",
    ">epochs",
    ">best",
    ">last",
    "when (UTC)",
    ">size",
];

/// The trials as a table, and how many they are.
fn table(rows: &[Row], columns: &[String]) -> String {
    if rows.is_empty() {
        return "no trials\n".to_string();
    }
    let more = columns.iter().map(String::as_str);
    let mut grid = Grid::new(COLUMNS.into_iter().chain(more));
    for row in rows {
        let mut cells = vec![
            row.path(),
            row.status.to_string(),
            match row.budget {
                Some(budget) => format!("{}/{budget}", row.epochs),
                None => row.epochs.to_string(),
            },
            percent(row.best),
            percent(row.last),
            when(row.started.or(row.ended)),
            bytes(row.bytes.cast_unsigned()),
        ];
        cells.extend(row.columns.iter().map(text));
        grid.row(cells);
    }
    let size: i64 = rows.iter().map(|row| row.bytes).sum();
    let trials = if rows.len() == 1 { "trial" } else { "trials" };
    let (count, size) = (
        ablate_report::number::count(rows.len()),
        bytes(size.cast_unsigned()),
    );
    format!("{}\n{count} {trials}, {size}\n", grid.text(""))
}

/// What every trial has, by name.
fn fields(row: &Row) -> Vec<(&'static str, Value)> {
    vec![
        ("trial", json!(row.path())),
        ("experiment", json!(&*row.experiment)),
        ("profile", json!(&*row.profile)),
        ("search", json!(row.search)),
        ("variant", json!(&*row.variant)),
        ("seed", json!(row.seed)),
        ("hash", json!(row.hash)),
        ("status", json!(&*row.status)),
        ("detail", json!(row.detail)),
        ("epochs", json!(row.epochs)),
        ("budget", json!(row.budget)),
        ("parameters", json!(row.parameters)),
        ("size", json!(row.bytes)),
        ("started", json!(row.started.map(date))),
        ("ended", json!(row.ended.map(date))),
    ]
}

/// The names of a metric's last, least and greatest value.
const VALUES: [&str; 3] = ["", ".min", ".max"];

fn json_lines(rows: &[Row], details: &[Details]) -> String {
    let mut text = String::new();
    for (row, details) in rows.iter().zip(details) {
        let mut line = json!({});
        for (name, value) in fields(row) {
            line[name] = value;
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

/// A line of names and a line a trial (RFC 4180); what a trial lacks is empty.
fn csv(rows: &[Row], details: &[Details]) -> String {
    let keys: BTreeSet<&String> = details.iter().flat_map(|d| d.config.keys()).collect();
    let metrics: BTreeSet<&String> = details.iter().flat_map(|d| d.metrics.keys()).collect();
    let mut text = String::new();
    let none = json!(null);
    for (row, details) in rows.iter().zip(details) {
        let fields = fields(row);
        if text.is_empty() {
            let mut header: Vec<String> = fields.iter().map(|f| f.0.to_string()).collect();
            header.extend(keys.iter().map(ToString::to_string));
            for metric in &metrics {
                header.extend(VALUES.map(|which| format!("{metric}{which}")));
            }
            text += &line(header.iter().map(String::as_str));
        }
        let mut cells: Vec<String> = fields.iter().map(|(_, value)| cell(value)).collect();
        cells.extend(
            keys.iter()
                .map(|key| cell(details.config.get(*key).unwrap_or(&none))),
        );
        for metric in &metrics {
            match details.metrics.get(*metric) {
                Some(values) => cells.extend(values.map(|value| value.to_string())),
                None => cells.extend(VALUES.map(|_| String::new())),
            }
        }
        text += &line(cells.iter().map(String::as_str));
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_string(),
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
