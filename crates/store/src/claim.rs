//! What the paper claims, and how two variants are set against each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Measure;

/// A claim of the paper, and the numbers that answer it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim in one sentence.
    pub text: String,
    /// Where the paper makes it: `3.1, Fig. 1`.
    pub section: String,
    /// The number read off each trial.
    pub measure: Measure,
    /// How two variants are compared.
    pub comparison: Comparison,
    /// The variant the claim starts from (tanh, no LRN).
    pub baseline: String,
    /// The variant claimed to be better (ReLU, LRN).
    pub treatment: String,
    /// The paper's figure in the unit of the comparison; `None` where the paper
    /// gives none and only the direction can be checked.
    #[serde(default)]
    pub paper: Option<f64>,
    /// The paper's own words for its figure: `about six times fewer epochs`.
    #[serde(default)]
    pub paper_text: String,
    /// Further numbers that answer the claim, each with a verdict of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
}

/// A further number that answers a claim, read off the same two variants.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// The number read off each trial.
    pub measure: Measure,
    /// How the two variants are compared.
    pub comparison: Comparison,
    /// The paper's figure in the unit of the comparison, where it gives one.
    #[serde(default)]
    pub paper: Option<f64>,
    /// The paper's own words for its figure.
    #[serde(default)]
    pub paper_text: String,
}

impl Claim {
    /// The claim once for each number that answers it, the headline first.
    pub fn each(&self) -> Vec<Self> {
        let headline = Self {
            also: Vec::new(),
            ..self.clone()
        };
        let further = self.also.iter().map(|also| Self {
            measure: also.measure.clone(),
            comparison: also.comparison,
            paper: also.paper,
            paper_text: also.paper_text.clone(),
            ..headline.clone()
        });
        std::iter::once(headline.clone()).chain(further).collect()
    }
}

/// How the treatment is set against the baseline, trial by trial of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Baseline divided by treatment: how many times less the treatment takes. No
    /// effect is 1, the claim says more.
    Ratio,
    /// Treatment divided by baseline: how many times more the treatment takes. No
    /// effect is 1, the claim says more.
    Multiple,
    /// Treatment minus baseline in percentage points (fractions times 100); no
    /// effect is 0, the claim says less.
    Points,
    /// Treatment minus baseline in percentage points; no effect is 0, the claim
    /// says more.
    Gain,
}

/// Which side of "no effect" the claim is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The claimed effect is greater than no effect.
    Greater,
    /// The claimed effect is less than no effect.
    Less,
}

impl Comparison {
    /// Whether the effect is a quotient; else it is a difference.
    pub fn is_quotient(self) -> bool {
        matches!(self, Self::Ratio | Self::Multiple)
    }

    /// Whether the claim is that the treatment measures less than the baseline.
    pub fn claims_less(self) -> bool {
        matches!(self, Self::Ratio | Self::Points)
    }

    /// The value that means "no effect".
    pub fn null(self) -> f64 {
        match self.is_quotient() {
            true => 1.0,
            false => 0.0,
        }
    }

    /// The side of [`null`](Self::null) the claim is on.
    pub fn direction(self) -> Direction {
        match self {
            Self::Points => Direction::Less,
            Self::Ratio | Self::Multiple | Self::Gain => Direction::Greater,
        }
    }
}
