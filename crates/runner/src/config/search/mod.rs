//! The table `[search]`: config keys whose values are found before the trials.

mod keys;

use std::path::Path;

use ablate_core::nearest;
use ablate_store::{Measure, Strategy};
use figment::Figment;
use figment::value::{Dict, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::choice::section;
use super::layer::{Layer, origin};
use super::tables::MOST_EPOCHS;
use crate::{Error, Result};

/// More drawn candidates than anybody trains.
const MANY: usize = 10_000;

/// The table's name.
const TABLE: &str = "search";

/// The table `[search]`, which `[profiles.NAME.search]`, the environment and
/// `--set search.KEY=VALUE` change key by key.
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
    /// `{ integers = [16, 64] }`. Drawn numbers are rounded to three digits. A key
    /// that has a value from `--set` or the environment is not searched.
    pub keys: serde_json::Map<String, serde_json::Value>,
    /// Which candidates are trained, and how far. `grid` trains every combination of
    /// the values for all of `epochs`. `random` trains as many combinations as
    /// `trials` says. `halving` trains its candidates for `least_epochs`, keeps one in
    /// `eta` by `by`, trains those for `eta` times as many, and so on up to `epochs` or
    /// until one is left.
    /// Every round waits for the last to end, so that no result depends on `--jobs` or
    /// on timing, as asynchronous halving (ASHA, Li et al. 2020) would. A candidate
    /// goes on from where it stands if its schedule gives the same rates for both
    /// numbers of epochs, and otherwise trains from its start: to the same bits.
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
    /// The measure of a metric that decides; the least mean over seeds wins. A candidate of which
    /// a trial diverged or failed loses, of equal ones that with the smaller values
    /// wins.
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
    /// Merges what the file, the profile and the user say, later over earlier; `None`
    /// where there is no search, also since the user gives every key a value. Takes the
    /// table out of the user's layers, which are then a trial's.
    pub(super) fn read(
        mut layers: Vec<Layer>,
        user: &mut [Layer],
        variants: &[&str],
    ) -> Result<Option<Self>> {
        layers.extend(user.iter_mut().filter_map(|layer| layer.split_off(TABLE)));
        layers.retain(|layer| layer.has(TABLE));
        if layers.is_empty() {
            return Ok(None);
        }
        let keys = keys::take(&mut layers);
        let mut figment = layers.into_iter().fold(Figment::new(), Figment::merge);
        let enabled = figment.find_value("search.enabled").ok();
        let enabled = enabled.and_then(|enabled| enabled.to_bool()) != Some(false);
        figment = figment.merge(keys);
        if !enabled {
            // Where nothing is searched the table may lack keys, but have no wrong ones.
            figment = figment.join(Layer::key("", "search.epochs", Value::from(1)));
        }
        let table: Self = section(&figment, TABLE)?;
        if !enabled {
            return Ok(None);
        }
        table.check(&figment, variants)?;
        Ok(table.without(|key| user.iter().any(|layer| layer.sets(key))))
    }

    /// Refuses what no search can be made of.
    fn check(&self, figment: &Figment, variants: &[&str]) -> Result<()> {
        let wrong = |key: &str, problem: &str, fix: &str| {
            let key = format!("{TABLE}.{key}");
            Err(Error::config(origin(figment, &key), key, problem, fix))
        };
        for variant in &self.variants {
            if !variants.contains(&&**variant) {
                let problem = format!("there is no variant `{variant}`");
                let fix = nearest(variant, variants.iter().copied());
                return wrong("variants", &problem, &fix);
            }
        }
        if self.epochs == 0 {
            return wrong("epochs", "0 epochs tell nothing", "give 1 or more");
        }
        if self.epochs > MOST_EPOCHS {
            return wrong("epochs", "they never end", "give 1000000 at most");
        }
        let place = |key: &str| origin(figment, &format!("{TABLE}.{key}"));
        bounds::seeds(&place("seeds"), "search.seeds", self.seeds)?;
        for key in self.keys.keys() {
            bounds::depth(&place("keys"), key)?;
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
            (_, Some(MANY..)) => Some((
                "trials",
                "more than anybody trains",
                "give fewer than 10000",
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
            _ if self.by.metric().is_none() => Some((
                "by",
                "the least wins, and this is no error that should be small",
                "choose by { final_validation = \"loss\" } or another metric",
            )),
            _ => None,
        }
    }

    /// The search over the keys that are not given already; `None` where all are.
    fn without(mut self, is_given: impl Fn(&str) -> bool) -> Option<Self> {
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
    pub fn trying(&self, file: &Path, values: &[serde_json::Value]) -> Result<[Layer; 2]> {
        let with = Value::serialize(&self.with)
            .ok()
            .and_then(Value::into_dict)
            .unwrap_or_default();
        let with = Layer::table(file, "search.with", with);
        Ok([with, self.choosing(file, values)?])
    }

    /// The layer that gives each key its value: one, so that a plugin's name among the
    /// values does not start the table afresh that another of them is in.
    ///
    /// # Errors
    /// A value that TOML does not have.
    pub fn choosing(&self, file: &Path, values: &[serde_json::Value]) -> Result<Layer> {
        let mut all = Dict::new();
        for (key, value) in self.keys.keys().zip(values) {
            let value = Value::serialize(value).map_err(|error| {
                let fix = "give numbers, strings, booleans or lists of them".to_string();
                Error::config(
                    file.display(),
                    format!("search.keys.{key}"),
                    error.to_string(),
                    fix,
                )
            })?;
            keys::insert(&mut all, key, value);
        }
        Ok(Layer::table(file, "search.keys", all))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is said of a table with these keys in place of its own.
    fn read(changes: serde_json::Value) -> Result<Option<SearchTable>> {
        let mut table = json!({
            "keys": { "optimiser.lr": [0.1, 0.01] }, "epochs": 8, "strategy": "halving",
        });
        for (key, value) in changes.as_object().expect("a table") {
            table[key] = value.clone();
        }
        let layer = Layer::json("a test", &json!({ TABLE: table }))?;
        SearchTable::read(vec![layer], &mut [], &["relu", "tanh"])
    }

    #[test]
    fn what_no_search_can_be_made_of_is_refused_with_its_key() {
        for (changes, key, part) in [
            (json!({ "variants": ["relo"] }), "variants", "relu"),
            (json!({ "epochs": 0 }), "epochs", "0 epochs"),
            (json!({ "epochs": MOST_EPOCHS + 1 }), "epochs", "1000000"),
            (json!({ "seeds": 0 }), "seeds", "seeds"),
            (
                json!({ "strategy": "grid", "trials": 4 }),
                "trials",
                "random",
            ),
            (json!({ "strategy": "random" }), "trials", "missing"),
            (json!({ "trials": MANY }), "trials", "fewer than 10000"),
            (json!({ "trials": 1 }), "trials", "2 or more"),
            (json!({ "eta": 1 }), "eta", "2 or more"),
            (json!({ "least_epochs": 0 }), "least_epochs", "not within"),
            (json!({ "least_epochs": 9 }), "least_epochs", "not within"),
            (
                json!({ "by": { "epochs_to_train_error": 0.25 } }),
                "by",
                "final measure",
            ),
        ] {
            let error = read(changes.clone()).expect_err("refused").to_string();
            let key = format!("`search.{key}`");
            for part in [&*key, part, "a test"] {
                assert!(error.contains(part), "{changes}: {part} in {error}");
            }
        }
    }

    #[test]
    fn what_is_just_within_is_a_search() -> Result<()> {
        for changes in [
            json!({}),
            json!({ "variants": ["tanh"] }),
            json!({ "epochs": MOST_EPOCHS }),
            json!({ "trials": MANY - 1 }),
            json!({ "trials": 2, "eta": 2 }),
            json!({ "least_epochs": 8 }),
            json!({ "strategy": "random", "trials": 2, "least_epochs": 9, "eta": 0 }),
            json!({ "strategy": "grid", "by": { "epochs_to_train_error": 0.25 } }),
        ] {
            assert!(read(changes.clone())?.is_some(), "{changes}");
        }
        assert_eq!(read(json!({ "enabled": false, "trials": 1 }))?, None);
        Ok(())
    }

    #[test]
    fn rounds_grow_up_to_the_last() -> Result<()> {
        for (changes, rounds) in [
            (json!({}), vec![1, 3, 8]),
            (json!({ "least_epochs": 8 }), vec![8]),
            (json!({ "epochs": 9 }), vec![1, 3, 9]),
            (json!({ "eta": 2, "least_epochs": 2 }), vec![2, 4, 8]),
            (json!({ "strategy": "grid" }), vec![8]),
        ] {
            let table = read(changes.clone())?.expect("a search");
            assert_eq!(table.rounds(), rounds, "{changes}");
        }
        Ok(())
    }
}
