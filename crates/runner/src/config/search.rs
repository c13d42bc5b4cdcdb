//! The table `[search]`: a config key whose value is found before the trials.

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
/// Every variant is trained with each value on seeds that no trial has; its
/// trials then use the value that did best. The paper tuned each net's learning
/// rate on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTable {
    /// Whether to search at all; a profile may turn it off.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The key, with its table: `optimiser.lr`.
    pub key: String,
    /// The values to try, of the key's own type.
    pub values: Vec<serde_json::Value>,
    /// Which of the values are trained, and how far: `grid` trains each of them
    /// for all of `epochs`.
    #[serde(default)]
    pub strategy: Strategy,
    /// Epochs of a search trial, in place of `training.epochs`.
    pub epochs: usize,
    /// Seeds of each value; none of them is a trial's.
    #[serde(default = "one")]
    pub seeds: u64,
    /// The measure that a value is chosen by; the least mean over seeds wins. A
    /// value of which a trial diverged loses, the smaller of equal ones wins.
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
        if self.values.len() < 2 {
            let fix = "give two or more; a value that is known belongs into [base]";
            return wrong("values", "there is nothing to choose from", fix);
        }
        if self.epochs == 0 {
            return wrong("epochs", "0 epochs tell nothing", "give 1 or more");
        }
        if self.seeds == 0 {
            return wrong("seeds", "no seed tells nothing", "give 1 or more");
        }
        Ok(())
    }

    /// Whether a variant searches.
    pub fn covers(&self, variant: &str) -> bool {
        self.variants.is_empty() || self.variants.iter().any(|name| name == variant)
    }

    /// The layers of a search trial with this value; `file` is named in errors.
    ///
    /// # Errors
    /// The value is none that a config can hold.
    pub fn trying(&self, file: &Path, value: &serde_json::Value) -> Result<[Layer; 2]> {
        let with = Value::serialize(&self.with)
            .ok()
            .and_then(Value::into_dict)
            .unwrap_or_default();
        let with = Layer::table(file, "search.with", with);
        Ok([with, self.choosing(file, value)?])
    }

    /// The layer of a trial with this value; `file` is named in errors.
    ///
    /// # Errors
    /// The value is none that a config can hold.
    pub fn choosing(&self, file: &Path, value: &serde_json::Value) -> Result<Layer> {
        let origin = format!("{} [search]", file.display());
        let value = Value::serialize(value).map_err(|error| {
            let fix = "give numbers, strings, booleans or lists of them".to_string();
            misfit(file, "search.values", &error.to_string(), fix)
        })?;
        Ok(Layer::key(origin, &self.key, value))
    }
}
