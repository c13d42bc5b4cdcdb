//! What a search over a config key tried, and what it chose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Measure;

/// How a search goes through its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Every value, each for the whole budget.
    #[default]
    Grid,
}

/// A search that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The dotted key.
    pub key: String,
    /// How it went through the values.
    pub strategy: Strategy,
    /// What the values were compared by; less is better.
    pub by: Measure,
    /// Epochs of each search trial.
    pub epochs: usize,
    /// Seeds of each value.
    pub seeds: Vec<u64>,
    /// What each variant that searched found.
    pub variants: Vec<Searched>,
}

/// One variant's search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The variant's name.
    pub variant: String,
    /// The values in the order of the file.
    pub candidates: Vec<Candidate>,
    /// The value that did best.
    pub chosen: Value,
}

/// One value that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The value.
    pub value: Value,
    /// How it did.
    pub score: Score,
}

/// How a value did over the seeds of a search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// The mean of the measure.
    Mean(f64),
    /// Some trial did not reach the measure's target.
    NotReached,
    /// Some trial diverged.
    Diverged,
}

/// The end of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Its smallest number.
    Smallest,
    /// Its largest number.
    Largest,
}

impl Searched {
    /// The edge of the grid that the choice lies at: beyond it there may be a
    /// better one. Only numbers have edges.
    pub fn edge(&self) -> Option<Edge> {
        let chosen = self.chosen.as_f64()?;
        let others = self.candidates.iter().map(|c| c.value.as_f64());
        let others: Vec<f64> = others.collect::<Option<_>>()?;
        if others.iter().all(|other| *other >= chosen) {
            Some(Edge::Smallest)
        } else if others.iter().all(|other| *other <= chosen) {
            Some(Edge::Largest)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(values: &[Value], chosen: Value) -> Searched {
        let candidate = |value: &Value| Candidate {
            value: value.clone(),
            score: Score::Mean(0.0),
        };
        Searched {
            variant: "relu".to_string(),
            candidates: values.iter().map(candidate).collect(),
            chosen,
        }
    }

    #[test]
    fn only_numbers_have_edges() {
        let grid = [0.01, 0.001, 0.1].map(Value::from);
        assert_eq!(searched(&grid, 0.001.into()).edge(), Some(Edge::Smallest));
        assert_eq!(searched(&grid, 0.1.into()).edge(), Some(Edge::Largest));
        assert_eq!(searched(&grid, 0.01.into()).edge(), None);
        let names = ["relu", "tanh"].map(Value::from);
        assert_eq!(searched(&names, "relu".into()).edge(), None);
    }
}
