//! What is known of an experiment and of each of its trials.

use std::collections::BTreeMap;

use ablate_core::EpochRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Claim, Environment, Outputs, Search};

/// An experiment as it was run: the claim and how its numbers are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Short name, also the file's: `relu_vs_tanh`.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// The profile that was run: `quick`, `ci`, `paper`.
    pub profile: String,
    /// What the paper claims.
    pub claim: Claim,
    /// The variants in the order the file gives them, with what each changes
    /// (dotted key to value).
    pub variants: Vec<(String, BTreeMap<String, Value>)>,
    /// The variants that are not trained but average others, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ensembles: BTreeMap<String, Ensemble>,
    /// The search that came before the trials, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// A variant whose predictions are the mean of several nets' (paper, section 6).
///
/// The seeds of the averaged variant are taken in order, `size` at a time, so that
/// no net is in two groups.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// The variant whose nets are averaged.
    pub of: String,
    /// Nets in a group, 2 or more. Source: section 6 (five).
    pub size: usize,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started, or cut off; the same command goes on with it.
    Unfinished,
    /// Ran its whole budget, or reached its stopping target.
    Finished,
    /// The loss was not finite; the history ends before that epoch.
    Diverged {
        /// Epoch in which it happened, counted from 1.
        epoch: usize,
    },
    /// An error ended it.
    Failed {
        /// What the error said.
        message: String,
    },
}

impl Status {
    /// Whether the trial has ended and must not run again.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Finished | Self::Diverged { .. })
    }
}

/// One trial: a variant with a seed, or a group of an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The variant's name.
    pub variant: String,
    /// The seed; of a group, its first member's.
    pub seed: u64,
    /// The seeds that a group averages; empty for a trained trial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<u64>,
    /// Content hash of the resolved config and seed; names the trial's folder.
    pub hash: String,
    /// How it ended.
    pub status: Status,
    /// The data set's own description of itself.
    pub data: String,
    /// Number of learned values.
    pub parameters: usize,
    /// What each epoch measured, in order.
    pub history: Vec<EpochRecord>,
    /// The resolved config, every default included.
    pub config: Value,
    /// What the finished model says of the validation split; kept in a file of its
    /// own. `None` until the trial finishes, and for trials that finished before
    /// there was such a file.
    #[serde(skip)]
    pub outputs: Option<Outputs>,
    /// What it last ran on, which has a file of its own; `None` for a group.
    #[serde(skip)]
    pub environment: Option<Environment>,
}
