//! The table `[search]`: config keys whose values are found before the trials.

use std::path::Path;

use ablate_core::nearest;
use ablate_store::{Measure, Strategy};
use figment::value::{Dict, Value};
use figment::{Figment, providers::Serialized};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{misfit, typed};
use super::layer::Layer;
use crate::Result;

/// The table `[search]`, which `[profiles.NAME.search]` changes key by key.
///
/// Every variant is trained with candidates for the keys' values on seeds that no
/// trial has; its trials then use the candidate that did best. The paper tuned each
/// net's learning rate on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTable {
    /// Whether to search at all; a profile may turn it off.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The keys, each with its table in quotes, and what they may be:
    /// `"optimiser.lr" = [0.01, 0.1]`, a list of values, or to draw from a range
    /// `{ uniform = [0, 0.5] }`, `{ log_uniform = [1e-4, 0.1] }` or
    /// `{ integers = [16, 64] }`. Drawn numbers are rounded to three digits.
    pub keys: serde_json::Map<String, serde_json::Value>,
    /// Which candidates are trained, and how far. `grid` trains every combination of
    /// the values for all of `epochs`. `random` trains as many combinations as
    /// `trials` says. `halving` trains its candidates for `least_epochs`, keeps one in
    /// `eta` by `by`, trains those for `eta` times as many, and so on up to `epochs`.
    /// Every round waits for the last to end and trains its candidates from their
    /// start, so that neither the order of work nor a schedule over the budget
    /// changes what is chosen.
    /// Source: Bergstra and Bengio 2012; Jamieson and Talwalkar 2016
    #[serde(default)]
    pub strategy: Strategy,
    /// Candidates that are drawn for `random` or `halving`, the same for each
    /// variant. Without it, `halving` starts with every combination.
    #[serde(default)]
    pub trials: Option<usize>,
    /// The seed of the draws.
    #[serde(default)]
    pub draws: u64,
    /// Epochs of a search trial, in place of `training.epochs`.
    pub epochs: usize,
    /// Epochs of the first round of `halving`.
    #[serde(default = "one_epoch")]
    pub least_epochs: usize,
    /// Of how many candidates a round of `halving` keeps one.
    #[serde(default = "three")]
    pub eta: usize,
    /// Seeds of each candidate; none of them is a trial's.
    #[serde(default = "one")]
    pub seeds: u64,
    /// The measure that decides; the least mean over seeds wins. A candidate of which
    /// a trial diverged loses, of equal ones that with the smaller values wins.
    #[serde(default = "train_loss")]
    pub by: Measure,
    /// The variants that search; none given: all.
    #[serde(default)]
    pub variants: Vec<String>,
    /// Tables of a trial, changed for search trials only: `data.holdout`, so that
    /// no value is chosen on the images that judge it.
    #[serde(default)]
    pub with: serde_json::Map<String, serde_json::Value>,
}

fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}

fn one_epoch() -> usize {
    1
}

fn three() -> usize {
    3
}

fn train_loss() -> Measure {
    Measure::FinalTrain("loss".to_string())
}

impl SearchTable {
    /// Merges the file's table and the profile's; `None` where there is no search.
    pub(super) fn read(path: &Path, file: &Dict, profile: &Dict) -> Result<Option<Self>> {
        if file.is_empty() && profile.is_empty() {
            return Ok(None);
        }
        let merged: Dict = Figment::from(Serialized::defaults(file))
            .merge(Serialized::defaults(profile))
            .extract()
            .map_err(|error| {
                let fix = "see `cargo xtask describe search`".to_string();
                misfit(path, "search", &error.to_string(), fix)
            })?;
        let table: Self = typed(path, "search", &merged)?;
        Ok(table.enabled.then_some(table))
    }

    /// Refuses what no search can be made of.
    pub(super) fn check<'a>(
        &self,
        path: &Path,
        variants: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<()> {
        let wrong = |key: &str, problem: &str, fix: &str| {
            Err(misfit(
                path,
                &format!("search.{key}"),
                problem,
                fix.to_string(),
            ))
        };
        for variant in &self.variants {
            if !variants.clone().any(|name| name == variant) {
                let problem = format!("there is no variant `{variant}`");
                return wrong("variants", &problem, &nearest(variant, variants));
            }
        }
        if self.epochs == 0 {
            return wrong("epochs", "0 epochs tell nothing", "give 1 or more");
        }
        if self.seeds == 0 {
            return wrong("seeds", "no seed tells nothing", "give 1 or more");
        }
        self.check_strategy()
            .map_or(Ok(()), |(key, problem, fix)| wrong(key, problem, fix))
    }

    /// What does not fit the strategy: key, problem and fix.
    fn check_strategy(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let is_halving = self.strategy == Strategy::Halving;
        match (self.strategy, self.trials) {
            (Strategy::Grid, Some(_)) => Some((
                "trials",
                "a grid trains every combination",
                "leave it out, or set strategy = \"random\"",
            )),
            (Strategy::Random, None) => Some((
                "trials",
                "it is missing",
                "say how many candidates are drawn",
            )),
            (_, Some(0 | 1)) => Some((
                "trials",
                "there is nothing to choose from",
                "give 2 or more",
            )),
            _ if is_halving && self.eta < 2 => {
                Some(("eta", "no round would end", "give 2 or more"))
            }
            _ if is_halving && !(1..=self.epochs).contains(&self.least_epochs) => Some((
                "least_epochs",
                "not within 1 and search.epochs",
                "give the epochs of the first round",
            )),
            _ if is_halving && self.by.target().is_some() => Some((
                "by",
                "few epochs say nothing of a target that is reached later",
                "choose by { final_train = \"loss\" } or another final measure",
            )),
            _ => None,
        }
    }

    /// The search over the keys that are not given already; `None` where all are.
    pub(super) fn without(mut self, is_given: impl Fn(&str) -> bool) -> Option<Self> {
        let had_keys = !self.keys.is_empty();
        self.keys.retain(|key, _| !is_given(key));
        (!self.keys.is_empty() || !had_keys).then_some(self)
    }

    /// Epochs of each round.
    pub fn rounds(&self) -> Vec<usize> {
        let mut rounds = Vec::new();
        if self.strategy == Strategy::Halving {
            let longer = |epochs: &usize| epochs.checked_mul(self.eta);
            let all = std::iter::successors(Some(self.least_epochs), longer);
            rounds.extend(all.take_while(|epochs| *epochs < self.epochs));
        }
        rounds.push(self.epochs);
        rounds
    }

    /// Whether a variant searches.
    pub fn covers(&self, variant: &str) -> bool {
        self.variants.is_empty() || self.variants.iter().any(|name| name == variant)
    }

    /// The layers of a search trial with a value for each key.
    ///
    /// # Errors
    /// A value that TOML does not have.
    pub fn trying(&self, file: &Path, values: &[serde_json::Value]) -> Result<Vec<Layer>> {
        let with = Value::serialize(&self.with)
            .ok()
            .and_then(Value::into_dict)
            .unwrap_or_default();
        let mut layers = vec![Layer::table(file, "search.with", with)];
        layers.extend(self.choosing(file, values)?);
        Ok(layers)
    }

    /// The layers that give each key its value.
    ///
    /// # Errors
    /// A value that TOML does not have.
    pub fn choosing(&self, file: &Path, values: &[serde_json::Value]) -> Result<Vec<Layer>> {
        let origin = format!("{} [search.keys]", file.display());
        let layer = |(key, value): (&String, &serde_json::Value)| {
            let value = Value::serialize(value).map_err(|error| {
                let fix = "give numbers, strings, booleans or lists of them".to_string();
                misfit(file, &format!("search.keys.{key}"), &error.to_string(), fix)
            })?;
            Ok(Layer::key(origin.clone(), key, value))
        };
        self.keys.keys().zip(values).map(layer).collect()
    }
}
