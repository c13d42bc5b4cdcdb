//! How an error is said: with the line of the file that is to blame, where there is
//! one. What is wrong and what mends it is in the error itself.

use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;

use ablate_runner::Error;
use toml_edit::{ImDocument, Table, TableLike};

/// An error as the terminal shows it.
pub fn text(error: &anyhow::Error) -> String {
    let config = error.chain().find_map(|cause| cause.downcast_ref());
    match config {
        Some(Error::Config {
            origin,
            key,
            problem,
            fix,
        }) => of_config(origin, key, problem, fix).unwrap_or_else(|| chain(error)),
        _ => chain(error),
    }
}

/// The error and its causes, but for those that are in the text already.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            let _ = write!(text, ": {cause}");
        }
    }
    text
}

/// With the line, where the origin is a file that has the key.
fn of_config(origin: &str, key: &str, problem: &str, fix: &str) -> Option<String> {
    // `experiments/lrn.toml [base]`, or the file alone.
    let (file, table) = match origin.split_once(" [") {
        Some((file, table)) => (file, table.strip_suffix(']')?),
        None => (origin, ""),
    };
    let source = fs::read_to_string(Path::new(file)).ok()?;
    let place = Place::find(&source, table, key)?;
    let mut text = format!("{file}:{}:{}", place.line, place.column);
    if !table.is_empty() {
        let _ = write!(text, " [{table}]");
    }
    let _ = write!(
        text,
        ": `{key}`: {problem}\n{}  fix: {fix}",
        place.excerpt()
    );
    Some(text)
}

/// A key in a TOML file.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// Characters of the key.
    width: usize,
    /// The whole line.
    text: String,
}

impl Place {
    /// Where a dotted key stands, which is in a table of the file or a path from its
    /// top.
    fn find(source: &str, table: &str, key: &str) -> Option<Self> {
        let document = ImDocument::parse(source).ok()?;
        let within = format!("{table}.{key}");
        let span = span(document.as_table(), within.trim_start_matches('.'))
            .or_else(|| span(document.as_table(), key))?;
        let start = source[..span.start].rfind('\n').map_or(0, |end| end + 1);
        let end = source[span.start..].find('\n');
        let end = end.map_or(source.len(), |end| span.start + end);
        Some(Self {
            line: source[..span.start].matches('\n').count() + 1,
            column: source[start..span.start].chars().count() + 1,
            width: source[span.start..span.end.min(end)].chars().count().max(1),
            text: source[start..end].trim_end().to_string(),
        })
    }

    /// The line, and what in it is meant.
    fn excerpt(&self) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab moves the mark as it moves the text.
        let indent: String = self
            .text
            .chars()
            .take(self.column - 1)
            .map(|letter| match letter {
                '\t' => '\t',
                _ => ' ',
            })
            .collect();
        let mark = "^".repeat(self.width);
        format!(
            "{margin} |\n{number} | {}\n{margin} | {indent}{mark}\n",
            self.text
        )
    }
}

/// The span of the last key of a dotted path, or of the nearest one above it that
/// the file has: a key may be missing, or be part of a longer one.
fn span(document: &Table, path: &str) -> Option<Range<usize>> {
    let mut table: &dyn TableLike = document;
    let mut found = None;
    for part in path.split('.') {
        let Some((key, item)) = table.get_key_value(part) else {
            break;
        };
        found = key.span().or(found);
        match item.as_table_like() {
            Some(inner) => table = inner,
            None => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[experiment]\nname = \"x\"\n\n[base]\ntraining = { epochs = 3, sede = 1 }\n\n\
                        [variants.with.model.lrn]\n\tkk = 2.0\n";

    #[test]
    fn a_key_is_found_in_tables_of_either_kind() {
        let place = Place::find(FILE, "base", "training.sede").expect("a place");
        assert_eq!((place.line, place.column, place.width), (5, 26, 4));
        let place = Place::find(FILE, "variants.with", "model.lrn.kk").expect("a place");
        assert_eq!((place.line, place.column, place.width), (8, 2, 2));
        assert_eq!(place.excerpt(), "  |\n8 | \tkk = 2.0\n  | \t^^\n");
        let place = Place::find(FILE, "", "experiment.name").expect("a place");
        assert_eq!((place.line, place.column), (2, 1));
    }

    #[test]
    fn a_key_that_is_missing_has_the_place_of_its_table() {
        let place = Place::find(FILE, "variants.with", "model.lrn.size").expect("a place");
        assert_eq!((place.line, &*place.text), (7, "[variants.with.model.lrn]"));
        assert_eq!(&place.text[place.column - 1..][..place.width], "lrn");
        assert_eq!(Place::find(FILE, "", "profiles.quick"), None);
        assert_eq!(Place::find("not = = TOML", "", "not"), None);
    }

    #[test]
    fn what_is_not_in_a_file_is_said_as_it_is() {
        let error = Error::Config {
            origin: "--set model.kk=1".to_string(),
            key: "model.kk".to_string(),
            problem: "unknown key".to_string(),
            fix: "did you mean `k`?".to_string(),
        };
        let text = text(&error.into());
        assert_eq!(
            text,
            "--set model.kk=1: `model.kk`: unknown key\n  fix: did you mean `k`?"
        );
    }
}
