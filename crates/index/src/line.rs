//! What a table shows of a trial: less than a whole row has, so it is read sooner.

use std::sync::Arc;

use serde_json::Value;

use crate::key::STATUS;
use crate::row::{Answer, Names, Sql, path, values};

/// A trial as a line of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its folder within the store, with `/` between.
    pub path: String,
    /// `finished`, `diverged`, `failed`, `unfinished`, `running` or `damaged`.
    pub status: Arc<str>,
    /// Epochs it has finished.
    pub epochs: i64,
    /// Epochs it is to train; a group of an ensemble has none.
    pub budget: Option<i64>,
    /// The least validation top-1 error of an epoch, as a fraction.
    pub best: Option<f64>,
    /// The last.
    pub last: Option<f64>,
    /// When it last began, or ended where that is not known, in seconds since 1970.
    pub when: Option<i64>,
    /// Bytes of its files.
    pub bytes: i64,
    /// The values of the query's columns; null where it has none.
    pub columns: Vec<Value>,
}

impl Answer for Line {
    fn columns() -> String {
        format!(
            "f.experiment, f.profile, f.search, t.name, {STATUS}, t.epochs, t.budget, t.best,
             t.last, coalesce(t.started, t.ended), t.bytes"
        )
    }

    fn read(row: &rusqlite::Row, more: usize, before: &mut Names) -> Sql<Self> {
        let text = |at: usize| -> Sql<&str> { Ok(row.get_ref(at)?.as_str()?) };
        Ok(Self {
            path: path(text(0)?, text(1)?, row.get(2)?, text(3)?),
            status: before.shared(0, text(4)?),
            epochs: row.get(5)?,
            budget: row.get(6)?,
            best: row.get(7)?,
            last: row.get(8)?,
            when: row.get(9)?,
            bytes: row.get(10)?,
            columns: values(row, 11, more)?,
        })
    }
}
