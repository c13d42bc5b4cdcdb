//! Reading an experiment file: text, tables, and what to say of a wrong one.

use std::path::Path;

use figment::value::{Dict, Value};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounds;
use crate::{Error, Result};

/// A table of the file as its type: unknown keys are refused with the nearest.
///
/// # Errors
/// A key is unknown, missing or of the wrong type; the error names it.
pub(super) fn typed<T: DeserializeOwned + JsonSchema + 'static>(
    path: &Path,
    table: &str,
    value: &impl Serialize,
) -> Result<T> {
    let json = serde_json::to_value(value).map_err(|error| Error::Other(error.to_string()))?;
    ablate_core::resolve(&json).map_err(|error| match error {
        ablate_core::Error::UnknownKey { key, fix } => {
            Error::config(path.display(), format!("{table}.{key}"), "unknown key", fix)
        }
        ablate_core::Error::BadValue { key, problem, .. } => {
            // A profile changes the tables of an experiment.
            let described = match table.split('.').next() {
                None | Some("profiles") => "experiment",
                Some(described) => described,
            };
            let fix = format!("see `cargo xtask describe {described}`");
            Error::config(path.display(), format!("{table}.{key}"), problem, fix)
        }
        other => Error::Plugin(other),
    })
}

/// The tables of a file.
///
/// # Errors
/// It cannot be read, is not TOML, or has a number that is not finite.
pub(super) fn read_dict(path: &Path) -> Result<Dict> {
    let keys = read_toml(path)?;
    bounds::finite(&path.display().to_string(), &keys)?;
    Ok(keys)
}

fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    toml::from_str(&read_text(path)?).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: error.to_string().trim_end().to_string(),
        fix: "correct the TOML at that line".to_string(),
    })
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: error.to_string(),
        fix: match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path; `ls experiments` shows the experiments".to_string()
            }
            _ => "check that it is a readable text file".to_string(),
        },
    })
}

/// The names in a table in the order of the file, which a `Dict` does not keep.
pub(super) fn table_order(path: &Path, table: &str) -> Result<Vec<String>> {
    let file: toml::Table = read_toml(path)?;
    let names = file.get(table).and_then(toml::Value::as_table);
    Ok(names
        .map(|names| names.keys().cloned().collect())
        .unwrap_or_default())
}

pub(super) fn dict(path: &Path, file: &Dict, key: &str) -> Result<Dict> {
    match file.get(key) {
        Some(value) => as_dict(path, key, value.clone()),
        None => {
            let fix = "see experiments/relu_vs_tanh.toml".to_string();
            Err(Error::config(
                path.display(),
                key,
                "the table is missing",
                fix,
            ))
        }
    }
}

pub(super) fn as_dict(path: &Path, key: &str, value: Value) -> Result<Dict> {
    match value {
        Value::Dict(_, dict) => Ok(dict),
        _ => Err(Error::config(
            path.display(),
            key,
            "it is not a table",
            format!("write a table `[{key}]`"),
        )),
    }
}
