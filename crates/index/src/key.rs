//! Keys that trials are chosen, sorted and shown by: fields that every trial has,
//! keys of its config, metrics.

use ablate_core::nearest;
use rusqlite::Connection;
use serde_json::Value;

use crate::row::value;
use crate::{Error, Index, Result};

type Sql<T> = rusqlite::Result<T>;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Date,
}

/// A field: its key, its value in SQL, what it holds.
pub(crate) type Field = (&'static str, &'static str, Kind);

/// The status, which for a trial that some process holds is no column.
pub(crate) const STATUS: &str =
    "CASE WHEN t.id IN (SELECT trial FROM running) THEN 'running' ELSE t.status END";

/// The statuses a trial may have.
pub(crate) const STATUSES: [&str; 6] = [
    "finished",
    "diverged",
    "failed",
    "unfinished",
    "running",
    "damaged",
];

pub(crate) const FIELDS: [Field; 14] = [
    ("experiment", "f.experiment", Kind::Text),
    ("profile", "f.profile", Kind::Text),
    ("search", "iif(f.search, 'true', 'false')", Kind::Text),
    ("name", "t.name", Kind::Text),
    ("variant", "t.variant", Kind::Text),
    ("seed", "t.seed", Kind::Number),
    ("hash", "t.hash", Kind::Text),
    ("status", STATUS, Kind::Text),
    ("epochs", "t.epochs", Kind::Number),
    ("budget", "t.budget", Kind::Number),
    ("parameters", "t.parameters", Kind::Number),
    ("size", "t.bytes", Kind::Number),
    ("started", "t.started", Kind::Date),
    ("ended", "t.ended", Kind::Date),
];

/// Which value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Last,
    Least,
    Greatest,
}

impl Which {
    pub fn column(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Least => "least",
            Self::Greatest => "greatest",
        }
    }
}

/// A key that was found, with its row in the table of keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Field(Field),
    Setting(i64),
    Metric(i64, Which),
}

impl Key {
    /// The key that a user's text names.
    pub fn find(index: &Index, text: &str) -> Result<Self> {
        if let Some(field) = FIELDS.iter().find(|(key, ..)| *key == text) {
            return Ok(Self::Field(*field));
        }
        let failed = |error| index.failed(error);
        let (metric, which) = match text.rsplit_once('.') {
            Some((metric, "min")) => (metric, Which::Least),
            Some((metric, "max")) => (metric, Which::Greatest),
            _ => (text, Which::Last),
        };
        if let Some(id) = id(&index.connection, true, metric).map_err(failed)? {
            return Ok(Self::Metric(id, which));
        }
        if let Some(id) = id(&index.connection, false, text).map_err(failed)? {
            return Ok(Self::Setting(id));
        }
        let known = index.known_keys()?;
        Err(Error::UnknownKey {
            key: text.to_string(),
            fix: nearest(text, known.iter().map(String::as_str)),
        })
    }
}

fn id(connection: &Connection, is_metric: bool, name: &str) -> Sql<Option<i64>> {
    use rusqlite::OptionalExtension;
    let select = "SELECT id FROM keys WHERE metric = ?1 AND name = ?2";
    let values = rusqlite::params![is_metric, name];
    connection
        .query_row(select, values, |row| row.get(0))
        .optional()
}

impl Index {
    /// Every key that some trial has: fields, then settings, then metrics.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn known_keys(&self) -> Result<Vec<String>> {
        let mut known: Vec<String> = FIELDS.iter().map(|(key, ..)| (*key).to_string()).collect();
        let names = || -> Sql<Vec<String>> {
            let select = "SELECT name FROM keys ORDER BY metric, name";
            let mut names = self.connection.prepare(select)?;
            names.query_map([], |row| row.get(0))?.collect()
        };
        known.extend(names().map_err(|error| self.failed(error))?);
        Ok(known)
    }

    /// The values that a config key has among the trials of a folder of the store
    /// (`pooling/quick`), each once.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn values_in(&self, folder: &str, key: &str) -> Result<Vec<Value>> {
        let values = || -> Sql<Vec<Value>> {
            let mut values = self.connection.prepare(
                "SELECT DISTINCT s.value FROM trials t
                 JOIN folders f ON f.id = t.folder
                 JOIN keys k ON k.name = ?2 AND NOT k.metric
                 JOIN settings s ON s.key = k.id AND s.config = t.config
                 WHERE f.path = ?1 ORDER BY s.value",
            )?;
            values
                .query_map([folder, key], |row| value(row.get_ref(0)?))?
                .collect()
        };
        values().map_err(|error| self.failed(error))
    }
}
