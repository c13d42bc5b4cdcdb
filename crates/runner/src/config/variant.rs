//! A variant as layers of config, and what sets variants apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::Value;

use super::layer::{Layer, Merged};
use super::trial::TrialConfig;
use crate::Result;

/// One variant under a profile. A search puts its layers between what the file
/// says and what the user says at the command line, who has the last word.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The variant's name.
    pub name: String,
    /// What the experiment's files say.
    pub(super) file: Vec<Layer>,
    /// Environment and settings.
    pub(super) user: Vec<Layer>,
    /// `file`, merged once for all candidates of a search.
    pub(super) merged: Merged,
    /// The config without what a search gives.
    pub(super) alone: OnceLock<TrialConfig>,
}

impl Variant {
    /// The config with the layers of a search in between.
    ///
    /// # Errors
    /// A key is unknown or has a wrong value; the error names its layer.
    pub fn config(&self, between: &[Layer]) -> Result<TrialConfig> {
        let merged = |between| {
            let later = [between, self.user.as_slice()].concat();
            self.merged.with(&self.file, &later)
        };
        let alone = match self.alone.get() {
            Some(alone) => alone,
            None => {
                let alone = TrialConfig::from_figment(&merged(&[])?)?;
                self.alone.get_or_init(|| alone)
            }
        };
        if between.is_empty() {
            return Ok(alone.clone());
        }
        let tables = between.iter().flat_map(Layer::table_names);
        alone.changed(&merged(between)?, tables)
    }
}

/// The keys in which the variants are not all alike, with each one's values.
pub fn differences(configs: &[(String, TrialConfig)]) -> Vec<(String, BTreeMap<String, Value>)> {
    let leaves: Vec<_> = configs.iter().map(|(_, config)| config.leaves()).collect();
    let differs = |key: &String| {
        leaves
            .iter()
            .any(|other| other.get(key) != leaves[0].get(key))
    };
    let keys: BTreeSet<&String> = leaves
        .iter()
        .flat_map(|leaves| leaves.keys())
        .filter(|key| differs(key))
        .collect();
    configs
        .iter()
        .zip(&leaves)
        .map(|((variant, _), leaves)| {
            let own = keys
                .iter()
                .filter_map(|key| Some(((*key).clone(), leaves.get(*key)?.clone())));
            (variant.clone(), own.collect())
        })
        .collect()
}
