//! Everything the index knows of trials, as one flat table with a row for each: what
//! CSV and Parquet files hold.

use std::collections::BTreeSet;

use ablate_index::{Details, Row, date};
use serde_json::{Value, json};

/// What every trial has, in order.
pub const FIELDS: [&str; 15] = [
    "trial",
    "experiment",
    "profile",
    "search",
    "variant",
    "seed",
    "hash",
    "status",
    "detail",
    "epochs",
    "budget",
    "parameters",
    "size",
    "started",
    "ended",
];

/// The names of a metric's last, least and greatest value.
pub const VALUES: [&str; 3] = ["", ".min", ".max"];

/// The table: trials, and the keys and metrics that any of them has.
pub struct Flat<'a> {
    rows: &'a [Row],
    details: &'a [Details],
    columns: Vec<Column<'a>>,
}

/// What a column holds.
pub enum Column<'a> {
    /// One of [`FIELDS`].
    Field(&'static str),
    /// A key of the config.
    Config(&'a str),
    /// A metric, and which of its [`VALUES`].
    Metric(&'a str, usize),
}

impl<'a> Flat<'a> {
    /// Of these trials and what goes with each.
    pub fn new(rows: &'a [Row], details: &'a [Details]) -> Self {
        let keys: BTreeSet<&str> = details
            .iter()
            .flat_map(|details| details.config.keys().map(String::as_str))
            .collect();
        let metrics: BTreeSet<&str> = details
            .iter()
            .flat_map(|details| details.metrics.keys().map(String::as_str))
            .collect();
        let metrics = metrics
            .into_iter()
            .flat_map(|metric| (0..VALUES.len()).map(move |which| Column::Metric(metric, which)));
        let columns = FIELDS
            .into_iter()
            .map(Column::Field)
            .chain(keys.into_iter().map(Column::Config))
            .chain(metrics)
            .collect();
        Self {
            rows,
            details,
            columns,
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A cell; null where the trial has none, or a metric that is no finite number.
    pub fn cell(&self, row: usize, column: &Column) -> Value {
        match column {
            Column::Field(name) => field(&self.rows[row], name),
            Column::Config(key) => {
                let value = self.details[row].config.get(*key);
                value.cloned().unwrap_or(Value::Null)
            }
            Column::Metric(name, which) => {
                let values = self.details[row].metrics.get(*name);
                values.map_or(Value::Null, |values| json!(values[*which]))
            }
        }
    }
}

impl Column<'_> {
    /// Its heading: `seed`, `optimiser.lr`, `validation.top1_error.min`.
    pub fn name(&self) -> String {
        match self {
            Self::Field(name) => (*name).to_string(),
            Self::Config(key) => (*key).to_string(),
            Self::Metric(name, which) => format!("{name}{}", VALUES[*which]),
        }
    }
}

/// One of [`FIELDS`] of a trial.
pub fn field(row: &Row, name: &str) -> Value {
    match name {
        "trial" => json!(row.path()),
        "experiment" => json!(&*row.experiment),
        "profile" => json!(&*row.profile),
        "search" => json!(row.search),
        "variant" => json!(&*row.variant),
        "seed" => json!(row.seed),
        "hash" => json!(row.hash),
        "status" => json!(&*row.status),
        "detail" => json!(row.detail),
        "epochs" => json!(row.epochs),
        "budget" => json!(row.budget),
        "parameters" => json!(row.parameters),
        "size" => json!(row.bytes),
        "started" => json!(row.started.map(date)),
        "ended" => json!(row.ended.map(date)),
        _ => Value::Null,
    }
}
