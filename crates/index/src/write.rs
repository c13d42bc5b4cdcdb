//! Rows of trials, written within a transaction.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, Value as SqlValue};
use rusqlite::{Connection, OptionalExtension, Statement, ToSql, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::entry::{ERROR, Entry};
use crate::place::Place;
use crate::stamp;

type Sql<T> = rusqlite::Result<T>;

/// Puts trials in and takes them out.
pub(crate) struct Writer<'c> {
    connection: &'c Connection,
    put: Statement<'c>,
    forget_metrics: Statement<'c>,
    metric: Statement<'c>,
    setting: Statement<'c>,
    folders: HashMap<String, i64>,
    keys: HashMap<(bool, String), i64>,
    configs: HashMap<[u8; 16], i64>,
}

impl<'c> Writer<'c> {
    pub fn new(connection: &'c Connection) -> Sql<Self> {
        Ok(Self {
            connection,
            put: connection.prepare(
                "INSERT INTO trials(folder, name, variant, seed, hash, status, detail, epochs,
                   budget, parameters, started, ended, bytes, best, last, config, stamp)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
                 ON CONFLICT(folder, name) DO UPDATE SET variant = ?3, seed = ?4, hash = ?5,
                   status = ?6, detail = ?7, epochs = ?8, budget = ?9, parameters = ?10,
                   started = ?11, ended = ?12, bytes = ?13, best = ?14, last = ?15,
                   config = ?16, stamp = ?17, revision = revision + 1
                 RETURNING id",
            )?,
            forget_metrics: connection.prepare(
                "DELETE FROM metrics WHERE trial = ?1 AND key IN (SELECT id FROM keys WHERE metric)",
            )?,
            metric: connection.prepare("INSERT INTO metrics VALUES (?1, ?2, ?3, ?4, ?5)")?,
            setting: connection.prepare("INSERT OR REPLACE INTO settings VALUES (?1, ?2, ?3)")?,
            folders: HashMap::new(),
            keys: HashMap::new(),
            configs: HashMap::new(),
        })
    }

    /// Puts a trial in, in the place of what was known of it.
    pub fn put(&mut self, place: &Place, entry: &Entry) -> Sql<()> {
        let folder = self.folder(place)?;
        let config = self.config(entry)?;
        let error = entry.metrics.get(ERROR);
        let values = params![
            folder,
            entry.name,
            entry.variant,
            entry.seed,
            entry.hash,
            entry.status,
            entry.detail,
            entry.epochs,
            entry.budget,
            entry.parameters,
            entry.started,
            entry.ended,
            entry.bytes,
            error.map(|range| range.least),
            error.map(|range| range.last),
            config,
            entry.stamp,
        ];
        let id: i64 = self.put.query_row(values, |row| row.get(0))?;
        self.forget_metrics.execute([id])?;
        for (name, range) in &entry.metrics {
            let key = self.key(true, name)?;
            let values = params![key, id, range.last, range.least, range.greatest];
            self.metric.execute(values)?;
        }
        Ok(())
    }

    /// How often a trial was written; `None` where it is not there.
    pub fn revision(&self, place: &Place, name: &str) -> Sql<Option<i64>> {
        let select = "SELECT t.revision FROM trials t JOIN folders f ON f.id = t.folder
                      WHERE f.path = ?1 AND t.name = ?2";
        let values = params![place.path(), name];
        let revision = self.connection.query_row(select, values, |row| row.get(0));
        revision.optional()
    }

    /// Takes a trial out.
    pub fn forget(&mut self, place: &Place, name: &str) -> Sql<()> {
        let id = self
            .connection
            .query_row(
                "SELECT t.id FROM trials t JOIN folders f ON f.id = t.folder
                 WHERE f.path = ?1 AND t.name = ?2",
                params![place.path(), name],
                |row| row.get(0),
            )
            .optional()?;
        id.map_or(Ok(()), |id| self.forget_id(id))
    }

    pub fn forget_id(&mut self, id: i64) -> Sql<()> {
        self.forget_metrics.execute([id])?;
        self.connection
            .execute("DELETE FROM trials WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Takes a folder out with all its trials; returns how many they were.
    pub fn forget_folder(&mut self, id: i64) -> Sql<usize> {
        let mut trials = self
            .connection
            .prepare("SELECT id FROM trials WHERE folder = ?1")?;
        let trials: Vec<i64> = trials
            .query_map([id], |row| row.get(0))?
            .collect::<Sql<_>>()?;
        for trial in &trials {
            self.forget_id(*trial)?;
        }
        self.connection
            .execute("DELETE FROM folders WHERE id = ?1", [id])?;
        Ok(trials.len())
    }

    /// Takes out configs that no trial has any more, and keys that nothing has.
    pub fn forget_unused(&mut self) -> Sql<()> {
        self.connection.execute_batch(
            "DELETE FROM settings WHERE key IN (SELECT id FROM keys WHERE NOT metric)
               AND config IN (SELECT id FROM configs WHERE id NOT IN (SELECT config FROM trials));
             DELETE FROM configs WHERE id NOT IN (SELECT config FROM trials);
             DELETE FROM keys WHERE NOT EXISTS (SELECT * FROM settings WHERE key = keys.id)
               AND NOT EXISTS (SELECT * FROM metrics WHERE key = keys.id)",
        )
    }

    /// Takes down that a folder was looked through when it had this mark.
    pub fn looked_through(&mut self, place: &Place, stamp: i64) -> Sql<()> {
        let id = self.folder(place)?;
        self.connection
            .execute("UPDATE folders SET stamp = ?2 WHERE id = ?1", [id, stamp])?;
        Ok(())
    }

    fn folder(&mut self, place: &Place) -> Sql<i64> {
        let path = place.path();
        if let Some(id) = self.folders.get(&path) {
            return Ok(*id);
        }
        self.connection.execute(
            "INSERT OR IGNORE INTO folders(path, experiment, profile, search, stamp)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                path,
                place.experiment,
                place.profile,
                place.search,
                stamp::NONE
            ],
        )?;
        let of = "SELECT id FROM folders WHERE path = ?1";
        let id = self.connection.query_row(of, [&path], |row| row.get(0))?;
        self.folders.insert(path, id);
        Ok(id)
    }

    fn key(&mut self, is_metric: bool, name: &str) -> Sql<i64> {
        if let Some(id) = self.keys.get(&(is_metric, name.to_string())) {
            return Ok(*id);
        }
        let values = params![is_metric, name];
        let add = "INSERT OR IGNORE INTO keys(metric, name) VALUES (?1, ?2)";
        self.connection.execute(add, values)?;
        let of = "SELECT id FROM keys WHERE metric = ?1 AND name = ?2";
        let id = self.connection.query_row(of, values, |row| row.get(0))?;
        self.keys.insert((is_metric, name.to_string()), id);
        Ok(id)
    }

    fn config(&mut self, entry: &Entry) -> Sql<i64> {
        let text = Value::from_iter(entry.config.clone()).to_string();
        let digest = Sha256::digest(text);
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        if let Some(id) = self.configs.get(&short) {
            return Ok(*id);
        }
        let of = "SELECT id FROM configs WHERE digest = ?1";
        let known = self.connection.query_row(of, [short], |row| row.get(0));
        let id = match known.optional()? {
            Some(id) => id,
            None => {
                let add = "INSERT INTO configs(digest) VALUES (?1)";
                self.connection.execute(add, [short])?;
                let id = self.connection.last_insert_rowid();
                for (name, value) in &entry.config {
                    let key = self.key(false, name)?;
                    self.setting.execute(params![key, id, Setting(value)])?;
                }
                id
            }
        };
        self.configs.insert(short, id);
        Ok(id)
    }
}

/// A config's value as SQLite keeps it: what is no number or string as JSON text.
struct Setting<'v>(&'v Value);

impl ToSql for Setting<'_> {
    fn to_sql(&self) -> Sql<ToSqlOutput<'_>> {
        let text = |text: String| ToSqlOutput::Owned(SqlValue::Text(text));
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Owned(SqlValue::Null),
            Value::String(text) => ToSqlOutput::from(text.as_str()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => ToSqlOutput::from(whole),
                (None, Some(real)) => ToSqlOutput::from(real),
                (None, None) => text(number.to_string()),
            },
            other => text(other.to_string()),
        })
    }
}
