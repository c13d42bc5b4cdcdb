//! From what a user calls a trial to the trial.

use std::path::Path;

use rusqlite::params;

use crate::row::Answer;
use crate::{Error, Index, Result, Row};

/// Trials listed where a name means several.
const LISTED: usize = 8;
/// Of a hash so many letters say which trial is meant.
const LEAST_HASH: usize = 4;

type Sql<T> = rusqlite::Result<T>;

impl Index {
    /// The trial that a user names: by its folder's path, its path within the store,
    /// its folder's name, or the start of either or of its hash that no other has.
    ///
    /// # Errors
    /// There is none or more than one, or the index cannot be read.
    pub fn find(&mut self, name: &str) -> Result<Row> {
        let within = self.within(name);
        let wanted = within.as_deref().unwrap_or(name).trim_end_matches('/');
        let found = self.mended(|index| {
            let found = index.candidates(wanted);
            found.map_err(|error| index.failed(error))
        })?;
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => Err(self.unknown(name)),
            several => Err(Error::Ambiguous {
                name: name.to_string(),
                count: several.len(),
                list: list(several),
            }),
        }
    }

    /// The path within the store of a folder given by another path.
    fn within(&self, name: &str) -> Option<String> {
        let path = Path::new(name).canonicalize().ok()?;
        let store = self.store.canonicalize().ok()?;
        let parts = path.strip_prefix(store).ok()?.components();
        let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
        Some(parts?.join("/")).filter(|path| !path.is_empty())
    }

    /// The best matches there are: a whole path or name before the start of one.
    fn candidates(&self, wanted: &str) -> Sql<Vec<Row>> {
        let (folder, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
        if !folder.is_empty() {
            for test in ["t.name = ?2", "substr(t.name, 1, length(?2)) = ?2"] {
                let found = self.matching(&format!("f.path = ?1 AND {test}"), &[folder, name])?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
            let test = "substr(f.path || '/' || t.name, 1, length(?1)) = ?1";
            return self.matching(test, &[wanted]);
        }
        let exact = self.matching("t.name = ?1", &[name])?;
        if !exact.is_empty() || name.is_empty() {
            return Ok(exact);
        }
        // Nothing sorts after what begins with this letter and is of ours.
        let after = format!("{name}\u{10ffff}");
        let begins = self.matching("t.name >= ?1 AND t.name < ?2", &[name, &after])?;
        let is_hash = name.len() >= LEAST_HASH && name.chars().all(|c| c.is_ascii_hexdigit());
        if !begins.is_empty() || !is_hash {
            return Ok(begins);
        }
        self.matching("t.hash >= ?1 AND t.hash < ?2", &[name, &after])
    }

    fn matching(&self, test: &str, parameters: &[&str]) -> Sql<Vec<Row>> {
        let text = format!(
            "SELECT {} FROM trials t JOIN folders f ON f.id = t.folder WHERE {test}
             ORDER BY f.path, t.variant, t.seed, t.name",
            Row::columns()
        );
        let mut select = self.connection.prepare(&text)?;
        let parameters = rusqlite::params_from_iter(parameters);
        let mut found = Vec::new();
        Row::read_each(select.query(parameters)?, 0, |row| found.push(row))?;
        Ok(found)
    }

    fn unknown(&self, name: &str) -> Error {
        let folder = self.connection.query_row(
            "SELECT f.path || '/' || t.name FROM trials t JOIN folders f ON f.id = t.folder
             WHERE instr(t.name, ?1) > 0 ORDER BY 1",
            params![name],
            |row| row.get::<_, String>(0),
        );
        Error::UnknownTrial {
            name: name.to_string(),
            store: self.store.clone(),
            fix: match folder {
                Ok(path) => format!("did you mean `{path}`?"),
                Err(_) => "`cargo xtask ls` lists them".to_string(),
            },
        }
    }
}

/// Some of the trials, a line each.
fn list(rows: &[Row]) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .take(LISTED)
        .map(|row| format!("  {}", row.path()))
        .collect();
    if rows.len() > LISTED {
        lines.push(format!("  and {} more", rows.len() - LISTED));
    }
    lines.join("\n")
}
