//! What no config may hold, whatever its tables mean: names that lead out of the run
//! store, numbers that are none, and more seeds or tables than any run has.

use figment::value::{Dict, Num, Value};

use crate::{Error, Result};

/// The most seeds a variant has; a search's own seeds begin there.
pub const MOST_SEEDS: u64 = 1000;

/// The longest name; file systems take 255 bytes, with seed and hash.
const LONGEST_NAME: usize = 100;

/// The most parts of a dotted key: tables within tables are followed by recursion.
const DEEPEST: usize = 16;

/// Refuses a name that would not be one folder in the run store.
///
/// # Errors
/// It is empty or too long, begins with a dot, or holds a separator of paths or a
/// control character.
pub(super) fn name(origin: &str, key: &str, name: &str) -> Result<()> {
    let problem = if name.is_empty() {
        "the name is empty".to_string()
    } else if name.len() > LONGEST_NAME {
        format!("the name has {} bytes", name.len())
    } else if name.starts_with('.') {
        format!("the name `{name}` begins with a dot")
    } else if name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) {
        format!("the name {name:?} holds a separator of paths or a control character")
    } else {
        return Ok(());
    };
    let fix =
        format!("trials are stored under it: give letters and digits, {LONGEST_NAME} at most");
    Err(Error::config(origin, key, problem, fix))
}

/// Refuses a number of seeds that is none, or beyond any run.
///
/// # Errors
/// It is 0 or above [`MOST_SEEDS`].
pub(super) fn seeds(origin: &str, key: &str, seeds: u64) -> Result<()> {
    if (1..=MOST_SEEDS).contains(&seeds) {
        return Ok(());
    }
    let fix = format!("give 1 to {MOST_SEEDS}");
    Err(Error::config(origin, key, format!("{seeds} seeds"), fix))
}

/// Refuses a dotted key of more tables than any config has.
///
/// # Errors
/// It is too deep.
pub(super) fn depth(origin: &str, key: &str) -> Result<()> {
    if key.split('.').count() <= DEEPEST {
        return Ok(());
    }
    let shown: String = key.chars().take(40).collect();
    let fix = "give a key of a table, such as optimiser.lr".to_string();
    Err(Error::config(
        origin,
        &shown,
        format!("more than {DEEPEST} tables deep"),
        fix,
    ))
}

/// Refuses `nan` and `inf`, which TOML has and JSON has not: they would be stored and
/// read as if there were no value.
///
/// # Errors
/// A number is not finite; the error names its key.
pub(super) fn finite(origin: &str, keys: &Dict) -> Result<()> {
    match keys.iter().find_map(|(key, value)| infinite(key, value)) {
        None => Ok(()),
        Some((key, number)) => {
            let fix = "give a finite number".to_string();
            Err(Error::config(
                origin,
                &key,
                format!("{number} is no finite number"),
                fix,
            ))
        }
    }
}

/// The first number that is not finite, with its key.
fn infinite(key: &str, value: &Value) -> Option<(String, f64)> {
    let number = |number: f64| (!number.is_finite()).then(|| (key.to_string(), number));
    match value {
        Value::Num(_, Num::F64(value)) => number(*value),
        Value::Num(_, Num::F32(value)) => number(f64::from(*value)),
        Value::Dict(_, keys) => keys
            .iter()
            .find_map(|(name, value)| infinite(&format!("{key}.{name}"), value)),
        Value::Array(_, values) => values
            .iter()
            .zip(0..)
            .find_map(|(value, at)| infinite(&format!("{key}.{at}"), value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_folder() {
        for good in ["lrn", "with-lrn_2", "größer", "a.b", "3 x 3"] {
            assert!(name("x.toml", "variants", good).is_ok(), "{good}");
        }
        let long = "x".repeat(101);
        for bad in [
            "", "..", ".hidden", "../x", "/x", "a/b", r"a\b", "a\nb", "\0", &long,
        ] {
            let error = name("x.toml", "variants", bad).expect_err(bad).to_string();
            assert!(
                error.contains("x.toml") && error.contains("fix:"),
                "{error}"
            );
        }
    }

    #[test]
    fn numbers_that_are_none_are_found_wherever_they_are() {
        let keys = |text: &str| toml::from_str::<Dict>(text).expect("TOML");
        assert!(finite("x", &keys("a = [1.0, { b = 1e308 }]")).is_ok());
        for (text, key) in [
            ("lr = nan", "`lr`: NaN"),
            ("[optimiser]\nlr = -inf", "`optimiser.lr`: -inf"),
            ("a = [0.5, { b = [inf] }]", "`a.1.b.0`: inf"),
        ] {
            let error = finite("x", &keys(text)).expect_err(text).to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
