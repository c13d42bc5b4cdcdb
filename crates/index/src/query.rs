//! From conditions to SQL to rows.

use ablate_core::nearest;
use rusqlite::types::Value as SqlValue;

use crate::condition::{Condition, Operand, Operator};
use crate::date::seconds;
use crate::key::{Key, Kind, STATUS, STATUSES};
use crate::row::Answer;
use crate::{Error, Index, Line, Result, Row};

/// Each is a join, of which SQLite takes 64: beside these the folders and what is sorted by.
const MOST_COLUMNS: usize = 60;

/// Which trials to list, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Trials that meet all of these.
    pub conditions: Vec<Condition>,
    /// Statuses, any of which will do; none: all.
    pub statuses: Vec<String>,
    /// Also the trials of searches.
    pub searches: bool,
    /// The key to sort by, trials without it last; without one by experiment,
    /// profile, variant and seed.
    pub sort: Option<String>,
    /// The greatest first.
    pub reverse: bool,
    /// At most so many.
    pub limit: Option<u64>,
    /// Keys whose values to give with each row.
    pub columns: Vec<String>,
}

/// A query in SQL, with the values of its parameters in order.
#[derive(Default)]
struct Statement {
    joins: String,
    conditions: String,
    order: String,
    values: String,
    parameters: Vec<SqlValue>,
}

impl Index {
    /// The trials that a query is about.
    ///
    /// # Errors
    /// A key or a status is not known (the nearest one is suggested), a condition
    /// makes no sense, or the index cannot be read.
    pub fn list(&mut self, query: &Query) -> Result<Vec<Row>> {
        self.answer(query, Vec::new, Vec::push)
    }

    /// What `add` makes of the lines of a query's trials, one after the other: a hundred
    /// thousand take no memory. An index that turns out to be damaged is built again, and
    /// the trials gone through from the `start`.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub fn fold<T>(
        &mut self,
        query: &Query,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, Line),
    ) -> Result<T> {
        self.answer(query, start, add)
    }

    fn answer<A: Answer, T>(
        &mut self,
        query: &Query,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, A),
    ) -> Result<T> {
        self.mended(|index| index.ask(query, &start, &add))
    }

    /// As [`fold`](Self::fold), of the index as it is.
    fn ask<A: Answer, T>(
        &self,
        query: &Query,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, A),
    ) -> Result<T> {
        // In an empty store no key can be known.
        if !self.exists("trials")? {
            return Ok(start());
        }
        let statement = Statement::of(self, query)?;
        let text = format!(
            "SELECT {}{} FROM trials t JOIN folders f ON f.id = t.folder{} WHERE {} ORDER BY {}
             LIMIT {}",
            A::columns(),
            statement.values,
            statement.joins,
            statement.conditions,
            statement.order,
            query.limit.map_or(-1, u64::cast_signed)
        );
        // Mostly no trial runs, and looking that up for each costs.
        let text = match self.exists("running")? {
            true => text,
            false => text.replace(STATUS, "t.status"),
        };
        let more = query.columns.len();
        let read = || {
            let mut select = self.connection.prepare(&text)?;
            let parameters = rusqlite::params_from_iter(&statement.parameters);
            let mut all = start();
            A::read_each(select.query(parameters)?, more, |row| add(&mut all, row))?;
            Ok(all)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Whether a table has a row.
    fn exists(&self, table: &str) -> Result<bool> {
        let any = format!("SELECT EXISTS(SELECT * FROM {table})");
        let any = self.connection.query_row(&any, [], |row| row.get(0));
        any.map_err(|error| self.failed(error))
    }
}

impl Statement {
    fn of(index: &Index, query: &Query) -> Result<Self> {
        let mut statement = Self::default();
        statement.conditions.push_str(match query.searches {
            true => "TRUE",
            false => "NOT f.search",
        });
        if query.columns.len() > MOST_COLUMNS {
            return Err(Error::Condition {
                text: query.columns.join(","),
                problem: format!("{} keys as columns", query.columns.len()),
                fix: format!("show {MOST_COLUMNS} at most; `--csv` has every key"),
            });
        }
        // Parameters are numbered, so joins and conditions may come in any order.
        for (at, text) in query.columns.iter().enumerate() {
            let value = statement.joined(Key::find(index, text)?, &format!("c{at}"));
            statement.values += &format!(", {value}");
        }
        for condition in &query.conditions {
            let key = Key::find(index, &condition.key)?;
            let condition = statement.condition(key, condition)?;
            statement.conditions += &format!(" AND {condition}");
        }
        statement.statuses(&query.statuses)?;
        let usual = "f.experiment, f.profile, f.search, t.variant, t.seed, t.name";
        statement.order = match &query.sort {
            None if query.reverse => usual.replace(',', " DESC,") + " DESC",
            None => usual.to_string(),
            Some(text) => {
                let value = statement.joined(Key::find(index, text)?, "sorted");
                let direction = if query.reverse { "DESC" } else { "ASC" };
                format!("{value} IS NULL, {value} {direction}, {usual}")
            }
        };
        Ok(statement)
    }

    /// A parameter's place in the text.
    fn parameter(&mut self, value: impl Into<SqlValue>) -> String {
        self.parameters.push(value.into());
        format!("?{}", self.parameters.len())
    }

    /// The value of a key for each trial, null where it has none.
    fn joined(&mut self, key: Key, alias: &str) -> String {
        match key {
            Key::Field((_, value, _)) => value.to_string(),
            Key::Setting(id) => {
                self.joins += &format!(
                    " LEFT JOIN settings {alias} ON {alias}.key = {id} AND {alias}.config = t.config"
                );
                format!("{alias}.value")
            }
            Key::Metric(id, which) => {
                self.joins += &format!(
                    " LEFT JOIN metrics {alias} ON {alias}.key = {id} AND {alias}.trial = t.id"
                );
                format!("{alias}.{}", which.column())
            }
        }
    }

    fn condition(&mut self, key: Key, condition: &Condition) -> Result<String> {
        let sign = condition.operator.sql();
        let number = || match &condition.value {
            Operand::Number(number, _) => Ok(*number),
            Operand::Text(_) => Err(condition.refused(
                format!("`{}` is no number", condition.value.text()),
                format!("`{}` is one: give a number", condition.key),
            )),
        };
        Ok(match key {
            Key::Field((_, value, Kind::Number)) => {
                format!("{value} {sign} {}", self.parameter(number()?))
            }
            Key::Field((_, value, Kind::Date)) => {
                let moment = seconds(condition.value.text()).ok_or_else(|| {
                    condition.refused(
                        format!("`{}` is no date", condition.value.text()),
                        "give it as 2026-11-25 or 2026-11-25T14:30, in UTC",
                    )
                })?;
                format!("{value} {sign} {}", self.parameter(moment))
            }
            Key::Field((name, value, Kind::Text)) => {
                refuse_order_of_text(condition)?;
                let text = condition.value.text();
                if name == "status" {
                    known_status(text)?;
                }
                format!("{value} {sign} {}", self.parameter(text.to_string()))
            }
            Key::Metric(id, which) => {
                let (column, value) = (which.column(), self.parameter(number()?));
                format!(
                    "t.id IN (SELECT trial FROM metrics WHERE key = {id} AND {column} {sign} {value})"
                )
            }
            Key::Setting(id) => {
                let test = self.setting(condition)?;
                format!("t.config IN (SELECT config FROM settings WHERE key = {id} AND {test})")
            }
        })
    }

    /// A test of a setting's value, whose type the config alone knows.
    fn setting(&mut self, condition: &Condition) -> Result<String> {
        let sign = condition.operator.sql();
        let is_number = "typeof(value) IN ('integer', 'real')";
        Ok(match (&condition.value, condition.operator) {
            (Operand::Number(number, text), Operator::Equal | Operator::Unequal) => {
                // A name such as `1` is text.
                let (number, text) = (self.parameter(*number), self.parameter(text.clone()));
                match condition.operator {
                    Operator::Equal => format!("(value = {number} OR value = {text})"),
                    _ => format!("(value <> {number} AND value <> {text})"),
                }
            }
            (Operand::Number(number, _), _) => {
                format!("{is_number} AND value {sign} {}", self.parameter(*number))
            }
            (Operand::Text(text), operator) => {
                refuse_order_of_text(condition)?;
                let value = self.parameter(text.clone());
                match (text.as_str(), operator) {
                    ("none", Operator::Equal) => format!("(value IS NULL OR value = {value})"),
                    ("none", _) => format!("(value IS NOT NULL AND value <> {value})"),
                    _ => format!("value {sign} {value}"),
                }
            }
        })
    }

    fn statuses(&mut self, statuses: &[String]) -> Result<()> {
        if statuses.is_empty() {
            return Ok(());
        }
        let mut tests = Vec::new();
        for status in statuses {
            known_status(status)?;
            tests.push(self.parameter(status.clone()));
        }
        self.conditions += &format!(" AND {STATUS} IN ({})", tests.join(", "));
        Ok(())
    }
}

fn refuse_order_of_text(condition: &Condition) -> Result<()> {
    if condition.operator.is_ordered() {
        return Err(condition.refused(
            "text is neither greater nor less",
            "compare it with = or !=, or give a number",
        ));
    }
    Ok(())
}

fn known_status(status: &str) -> Result<()> {
    match STATUSES.contains(&status) {
        true => Ok(()),
        false => Err(Error::Condition {
            text: status.to_string(),
            problem: "no trial can have this status".to_string(),
            fix: nearest(status, STATUSES),
        }),
    }
}
