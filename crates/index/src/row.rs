//! What the index answers: a row for each trial.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::{Index, Result, place};

pub(crate) type Sql<T> = rusqlite::Result<T>;

/// Experiment, profile, variant and status of the row before: of 100,000 rows most
/// have the same.
#[derive(Default)]
pub(crate) struct Names([Arc<str>; 4]);

impl Names {
    /// The text of one of the places, that of the row before where it is the same.
    pub fn shared(&mut self, place: usize, text: &str) -> Arc<str> {
        let known = &mut self.0[place];
        if **known != *text {
            *known = text.into();
        }
        Arc::clone(known)
    }
}

/// What a query can be answered with.
pub(crate) trait Answer: Sized {
    /// What [`read`](Self::read) reads, of `trials t JOIN folders f`.
    fn columns() -> String;

    /// Reads a row, with the values of `more` columns after those of
    /// [`columns`](Self::columns).
    fn read(row: &rusqlite::Row, more: usize, before: &mut Names) -> Sql<Self>;

    /// Reads rows one by one.
    fn read_each(mut rows: rusqlite::Rows, more: usize, mut each: impl FnMut(Self)) -> Sql<()> {
        let mut before = Names::default();
        while let Some(row) = rows.next()? {
            each(Self::read(row, more, &mut before)?);
        }
        Ok(())
    }
}

/// A trial as a table shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub(crate) id: i64,
    pub(crate) config: i64,
    /// The experiment's name.
    pub experiment: Arc<str>,
    /// The profile's.
    pub profile: Arc<str>,
    /// Whether it is a trial of a search.
    pub search: bool,
    /// The name of its folder.
    pub name: String,
    /// The variant's name.
    pub variant: Arc<str>,
    /// The seed.
    pub seed: i64,
    /// The content hash.
    pub hash: String,
    /// `finished`, `diverged`, `failed`, `unfinished`, `running` or `damaged`.
    pub status: Arc<str>,
    /// What there is to say of the status.
    pub detail: String,
    /// Epochs it has finished.
    pub epochs: i64,
    /// Epochs it is to train; a group of an ensemble has none.
    pub budget: Option<i64>,
    /// Learned values.
    pub parameters: i64,
    /// The least validation top-1 error of an epoch, as a fraction.
    pub best: Option<f64>,
    /// The last.
    pub last: Option<f64>,
    /// When it last began, in seconds since 1970.
    pub started: Option<i64>,
    /// When it ended, in seconds since 1970.
    pub ended: Option<i64>,
    /// Bytes of its files.
    pub bytes: i64,
    /// The values of the query's columns; null where it has none.
    pub columns: Vec<Value>,
}

/// Everything else the index knows of a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The leaves of its config by dotted key.
    pub config: BTreeMap<String, Value>,
    /// Metrics by name: last, least, greatest.
    pub metrics: BTreeMap<String, [f64; 3]>,
}

impl Row {
    /// Its folder within the store, with `/` between.
    pub fn path(&self) -> String {
        path(&self.experiment, &self.profile, self.search, &self.name)
    }

    /// The folder within the store that its folder is in.
    pub fn folder(&self) -> String {
        place::path(&self.experiment, &self.profile, self.search).concat()
    }
}

impl Answer for Row {
    fn columns() -> String {
        format!(
            "t.id, t.config, f.experiment, f.profile, f.search, t.name, t.variant, t.seed, t.hash,
             {}, t.detail, t.epochs, t.budget, t.parameters, t.best, t.last, t.started, t.ended,
             t.bytes",
            crate::key::STATUS
        )
    }

    fn read(row: &rusqlite::Row, more: usize, before: &mut Names) -> Sql<Self> {
        let mut shared = |at: usize, place: usize| -> Sql<Arc<str>> {
            Ok(before.shared(place, row.get_ref(at)?.as_str()?))
        };
        Ok(Self {
            id: row.get(0)?,
            config: row.get(1)?,
            experiment: shared(2, 0)?,
            profile: shared(3, 1)?,
            search: row.get(4)?,
            name: row.get(5)?,
            variant: shared(6, 2)?,
            seed: row.get(7)?,
            hash: row.get(8)?,
            status: shared(9, 3)?,
            detail: row.get(10)?,
            epochs: row.get(11)?,
            budget: row.get(12)?,
            parameters: row.get(13)?,
            best: row.get(14)?,
            last: row.get(15)?,
            started: row.get(16)?,
            ended: row.get(17)?,
            bytes: row.get(18)?,
            columns: values(row, 19, more)?,
        })
    }
}

/// A trial's folder within the store.
pub(crate) fn path(experiment: &str, profile: &str, search: bool, name: &str) -> String {
    let [experiment, slash, profile, and, search] = place::path(experiment, profile, search);
    [experiment, slash, profile, and, search, "/", name].concat()
}

/// The values of `more` columns of a query from one on.
pub(crate) fn values(row: &rusqlite::Row, first: usize, more: usize) -> Sql<Vec<Value>> {
    let columns = first..first + more;
    columns.map(|at| value(row.get_ref(at)?)).collect()
}

/// A value as JSON has it. Lists and truths were kept as JSON text.
pub(crate) fn value(value: ValueRef) -> Sql<Value> {
    Ok(match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(whole) => whole.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(_) => {
            let text = value.as_str()?;
            let json = match text {
                "true" | "false" => serde_json::from_str(text).ok(),
                _ if text.starts_with('[') => serde_json::from_str(text).ok(),
                _ => None,
            };
            json.unwrap_or_else(|| text.into())
        }
    })
}

impl Index {
    /// Everything the index knows of each row's trial, to export it.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn details(&self, rows: &[Row]) -> Result<Vec<Details>> {
        let details = || -> Sql<Vec<Details>> {
            let mut settings = self.connection.prepare(
                // In this order: the other way round all settings are gone through.
                "SELECT k.name, s.value FROM keys k CROSS JOIN settings s ON s.key = k.id
                 WHERE NOT k.metric AND s.config = ?1",
            )?;
            let mut metrics = self.connection.prepare(
                "SELECT k.name, m.last, m.least, m.greatest FROM keys k CROSS JOIN metrics m ON m.key = k.id
                 WHERE k.metric AND m.trial = ?1",
            )?;
            let one = |row: &Row| {
                let config = settings.query_map([row.config], |found| {
                    Ok((found.get(0)?, value(found.get_ref(1)?)?))
                })?;
                let config = config.collect::<Sql<_>>()?;
                let metrics = metrics.query_map([row.id], |found| {
                    Ok((found.get(0)?, [found.get(1)?, found.get(2)?, found.get(3)?]))
                })?;
                let metrics = metrics.collect::<Sql<_>>()?;
                Ok(Details { config, metrics })
            };
            rows.iter().map(one).collect()
        };
        details().map_err(|error| self.failed(error))
    }
}
