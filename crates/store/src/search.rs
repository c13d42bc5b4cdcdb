//! What a search over config keys tried, and what it chose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Measure;

/// Which candidates a search trains, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Every combination of the values, all for as many epochs.
    #[default]
    Grid,
    /// Combinations drawn at random, all for as many epochs (Bergstra and Bengio
    /// 2012).
    Random,
    /// Many for a few epochs, the better of them for more (Jamieson and Talwalkar
    /// 2016).
    Halving,
}

/// A search that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The keys that were searched over: `optimiser.lr`.
    pub keys: Vec<String>,
    /// Which candidates were trained.
    pub strategy: Strategy,
    /// What decided.
    pub by: Measure,
    /// Epochs of a trial, the most that a candidate got.
    pub epochs: usize,
    /// The seeds of each candidate; the claim's trials have others.
    pub seeds: Vec<u64>,
    /// What was found, in the order of the variants.
    pub variants: Vec<Searched>,
}

/// The search of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The variant's name.
    pub variant: String,
    /// The candidates in the order they were listed or drawn.
    pub candidates: Vec<Candidate>,
    /// The index of the one its trials use.
    pub chosen: usize,
}

/// A value for each key, and how it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The values, in the order of [`Search::keys`].
    pub values: Vec<Value>,
    /// Epochs after which it was scored last.
    pub epochs: usize,
    /// How it did then.
    pub score: Score,
}

/// How a candidate did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// The mean of the measure over seeds; less is better.
    Mean(f64),
    /// No target was reached in the epochs there were.
    NotReached,
    /// A trial diverged.
    Diverged,
    /// An error ended a trial.
    Failed,
}

impl Score {
    /// Whether there is a number to compare.
    pub fn is_mean(self) -> bool {
        matches!(self, Self::Mean(_))
    }
}

/// An end of what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing smaller was tried.
    Smallest,
    /// Nothing larger was tried.
    Largest,
}

impl Searched {
    /// The values of the chosen candidate.
    pub fn choice(&self) -> &[Value] {
        let chosen = self.candidates.get(self.chosen);
        chosen.map_or(&[], |candidate| &candidate.values)
    }

    /// Whether the choice is at an end of what was tried for the key of that index:
    /// a better value may lie beyond. `None` also for values that have no order.
    pub fn edge(&self, key: usize) -> Option<Edge> {
        let chosen = self.choice().get(key)?.as_f64()?;
        let tried = self.candidates.iter().map(|c| c.values.get(key)?.as_f64());
        let tried: Vec<f64> = tried.collect::<Option<_>>()?;
        if tried.iter().all(|other| *other == chosen) {
            None
        } else if tried.iter().all(|other| *other >= chosen) {
            Some(Edge::Smallest)
        } else if tried.iter().all(|other| *other <= chosen) {
            Some(Edge::Largest)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn searched(values: &[Value], chosen: usize) -> Searched {
        let candidate = |value: &Value| Candidate {
            values: vec![value.clone(), json!(8)],
            epochs: 1,
            score: Score::Mean(0.0),
        };
        Searched {
            variant: "relu".to_string(),
            candidates: values.iter().map(candidate).collect(),
            chosen,
        }
    }

    #[test]
    fn only_numbers_that_differ_have_edges() {
        let grid = [0.01, 0.001, 0.1].map(Value::from);
        assert_eq!(searched(&grid, 1).edge(0), Some(Edge::Smallest));
        assert_eq!(searched(&grid, 2).edge(0), Some(Edge::Largest));
        assert_eq!(searched(&grid, 0).edge(0), None);
        assert_eq!(searched(&grid, 0).edge(1), None, "all are the same");
        assert_eq!(searched(&grid, 0).edge(2), None, "there is no such key");
        let names = ["relu", "tanh"].map(Value::from);
        assert_eq!(searched(&names, 0).edge(0), None);
    }
}
