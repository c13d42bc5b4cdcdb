//! The values that a search tries: listed and combined, or drawn.

use std::collections::HashSet;
use std::path::Path;

use ablate_core::Stream;
use ablate_store::Strategy;
use rand::Rng;
use serde_json::{Value, json};

use crate::config::SearchTable;
use crate::{Error, Result};

/// More combinations than anybody trains are a mistake.
const MOST: usize = 100_000;
/// How often a draw that was drawn before is drawn again.
const ATTEMPTS: usize = 100;

/// What one key may be.
enum Space {
    Values(Vec<Value>),
    Uniform(f64, f64),
    LogUniform(f64, f64),
    Integers(i64, i64),
}

/// The candidates, each with a value for every key of the table.
///
/// # Errors
/// A key's values cannot be read, a grid has a range, or there are fewer than two
/// candidates.
pub(super) fn of(file: &Path, table: &SearchTable) -> Result<Vec<Vec<Value>>> {
    let wrong = |key: &str, problem: &str, fix: &str| {
        Error::config(file.display(), format!("search.{key}"), problem, fix)
    };
    if table.keys.is_empty() {
        let fix = "give keys with their values, as in \"optimiser.lr\" = [0.01, 0.1]";
        return Err(wrong("keys", "there is nothing to search over", fix));
    }
    let space = |(key, value): (&String, &Value)| {
        let fix = "give a list of values, or one of { uniform = [low, high] }, { log_uniform = \
                   [low, high] } above 0, { integers = [low, high] }, with low below high";
        let problem = "it is neither values nor a range";
        Space::of(value).ok_or_else(|| wrong(&format!("keys.{key}"), problem, fix))
    };
    let spaces: Vec<Space> = table.keys.iter().map(space).collect::<Result<_>>()?;
    let candidates = match (table.strategy, table.trials) {
        (Strategy::Random | Strategy::Halving, Some(trials)) => drawn(&spaces, trials, table.draws),
        _ => {
            let range = spaces.iter().position(|s| !matches!(s, Space::Values(_)));
            if let Some(key) = range.and_then(|index| table.keys.keys().nth(index)) {
                let fix = "list values, or draw some: strategy = \"random\" and trials = 20";
                let problem = "a range has no combinations to list";
                return Err(wrong(&format!("keys.{key}"), problem, fix));
            }
            let count = spaces
                .iter()
                .map(Space::len)
                .try_fold(1, usize::checked_mul);
            if count.is_none_or(|count| count > MOST) {
                let fix = "draw some of them: strategy = \"random\" and trials = 20";
                return Err(wrong(
                    "keys",
                    "too many combinations to train them all",
                    fix,
                ));
            }
            combined(&spaces)
        }
    };
    match candidates.len() {
        0 | 1 => Err(wrong(
            "keys",
            "there is nothing to choose from",
            "give two or more values; one that is known belongs into [base]",
        )),
        _ => Ok(candidates),
    }
}

impl Space {
    fn of(value: &Value) -> Option<Self> {
        if let Value::Array(values) = value {
            return (!values.is_empty()).then(|| Self::Values(values.clone()));
        }
        let range = value.as_object().filter(|range| range.len() == 1)?;
        let (name, ends) = range.iter().next()?;
        let [low, high] = ends.as_array()?.as_slice() else {
            return None;
        };
        let space = match name.as_str() {
            "integers" => return integers(low.as_i64()?, high.as_i64()?),
            "uniform" => Self::Uniform(low.as_f64()?, high.as_f64()?),
            "log_uniform" if low.as_f64()? > 0.0 => Self::LogUniform(low.as_f64()?, high.as_f64()?),
            _ => return None,
        };
        let width = high.as_f64()? - low.as_f64()?;
        (width > 0.0 && width.is_finite()).then_some(space)
    }

    /// Values there are; of a range, none are listed.
    fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            _ => 0,
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> Value {
        match self {
            Self::Values(values) => values[rng.random_range(0..values.len())].clone(),
            Self::Uniform(low, high) => json!(rounded(rng.random_range(*low..=*high), *low, *high)),
            Self::LogUniform(low, high) => {
                let value = rng.random_range(low.ln()..=high.ln()).exp();
                json!(rounded(value, *low, *high))
            }
            Self::Integers(low, high) => json!(rng.random_range(*low..=*high)),
        }
    }
}

fn integers(low: i64, high: i64) -> Option<Space> {
    (low < high).then_some(Space::Integers(low, high))
}

/// Three digits, which a person can read and type; still within the range.
fn rounded(value: f64, low: f64, high: f64) -> f64 {
    let text = format!("{value:.2e}");
    text.parse().unwrap_or(value).clamp(low, high)
}

/// Every combination; the last key changes fastest.
fn combined(spaces: &[Space]) -> Vec<Vec<Value>> {
    let mut candidates = vec![Vec::new()];
    for space in spaces {
        let Space::Values(values) = space else {
            return Vec::new();
        };
        candidates = candidates
            .iter()
            .flat_map(|start: &Vec<Value>| {
                let with = |value: &Value| [start.as_slice(), std::slice::from_ref(value)].concat();
                values.iter().map(with)
            })
            .collect();
    }
    candidates
}

/// As many different candidates as asked for, or as there are. Each is a function
/// of the seed and its number, so asking for more keeps those there are.
fn drawn(spaces: &[Space], count: usize, seed: u64) -> Vec<Vec<Value>> {
    let stream = Stream::new(seed).named("search");
    let mut candidates: Vec<Vec<Value>> = Vec::new();
    let mut known = HashSet::new();
    for index in 0..count {
        let mut rng = stream.at(index).rng();
        let mut draws = (0..ATTEMPTS).map(|_| spaces.iter().map(|s| s.draw(&mut rng)).collect());
        candidates.extend(draws.find(|draw: &Vec<Value>| known.insert(draw.clone())));
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> Option<Space> {
        Space::of(&serde_json::from_str(text).expect("JSON"))
    }

    #[test]
    fn a_grid_is_every_combination() {
        let spaces = [space("[1, 2]"), space("[\"a\", \"b\", \"c\"]")];
        let spaces = spaces.map(|space| space.expect("a space"));
        let all = combined(&spaces);
        assert_eq!(all.len(), 6);
        assert_eq!(all[1], [json!(1), json!("b")]);
        assert_eq!(all[5], [json!(2), json!("c")]);
    }

    #[test]
    fn draws_lie_within_their_range_and_repeat_with_the_seed() {
        let spaces = [
            space(r#"{"log_uniform": [1e-4, 0.1]}"#),
            space(r#"{"uniform": [0, 0.5]}"#),
            space(r#"{"integers": [16, 64]}"#),
        ];
        let spaces = spaces.map(|space| space.expect("a space"));
        let draws = drawn(&spaces, 200, 7);
        assert_eq!(draws.len(), 200);
        let within = |draw: &[Value], index: usize, low: f64, high: f64| {
            (low..=high).contains(&draw[index].as_f64().expect("a number"))
        };
        for draw in &draws {
            assert!(within(draw, 0, 1e-4, 0.1), "{draw:?}");
            assert!(within(draw, 1, 0.0, 0.5), "{draw:?}");
            assert!(within(draw, 2, 16.0, 64.0) && draw[2].is_i64(), "{draw:?}");
        }
        // Half of a logarithmic range lies below its geometric mean.
        let low = draws.iter().filter(|d| within(d, 0, 1e-4, 0.00316)).count();
        assert!((70..130).contains(&low), "{low} of 200");
        assert_eq!(drawn(&spaces, 200, 7), draws);
        assert_eq!(
            drawn(&spaces, 50, 7),
            draws[..50],
            "more keep those there are"
        );
        assert_ne!(drawn(&spaces, 50, 8), draws[..50]);
    }

    #[test]
    fn no_candidate_is_drawn_twice() {
        let spaces = [space("[1, 2, 3]").expect("a space")];
        let mut draws = drawn(&spaces, 10, 0);
        draws.sort_by_key(|draw| draw[0].as_i64());
        assert_eq!(draws, [[json!(1)], [json!(2)], [json!(3)]]);
    }

    #[test]
    fn what_is_no_space_is_refused() {
        for text in [
            "3",
            "[]",
            r#"{"uniform": [1, 0]}"#,
            r#"{"uniform": [-1e308, 1e308]}"#,
            r#"{"uniform": [0, 1, 2]}"#,
            r#"{"log_uniform": [0, 1]}"#,
            r#"{"integers": [0.5, 3]}"#,
            r#"{"normal": [0, 1]}"#,
            r#"{"uniform": [0, 1], "integers": [0, 1]}"#,
        ] {
            assert!(space(text).is_none(), "{text}");
        }
    }
}
