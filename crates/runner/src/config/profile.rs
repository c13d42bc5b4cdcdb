//! Profiles: how much of the real thing is run.

use std::collections::BTreeMap;
use std::path::Path;

use figment::value::{Dict, Value};

use super::bounds;
use super::file::as_dict;
use super::layer::Layer;
use super::shared;
use crate::{Error, Result};

/// A profile: how much of the real thing is run.
#[derive(Clone, Debug, Default)]
pub(super) struct ProfileTable {
    pub seeds: Option<u64>,
    /// Files in `configs/` that lie over the experiment's base.
    pub shared: Vec<Layer>,
    pub claim: Dict,
    /// What it changes of each variant.
    pub variants: BTreeMap<String, Dict>,
    pub ensembles: Dict,
    pub search: Dict,
    pub keys: Dict,
}

impl ProfileTable {
    /// Reads the profile's table: its own keys, and those it changes in a trial.
    pub fn read(path: &Path, key: &str, mut keys: Dict) -> Result<Self> {
        let seeds = match keys.remove("seeds") {
            None => None,
            Some(value) => {
                let key = format!("{key}.seeds");
                let seeds = value.to_i128().and_then(|seeds| u64::try_from(seeds).ok());
                let Some(seeds) = seeds else {
                    let fix = "give 1 or more".to_string();
                    return Err(Error::config(
                        path.display(),
                        key,
                        "it is not a positive number",
                        fix,
                    ));
                };
                bounds::seeds(&path.display().to_string(), &key, seeds)?;
                Some(seeds)
            }
        };
        let shared = match keys.remove("configs") {
            None => Vec::new(),
            Some(names) => {
                let key = format!("{key}.configs");
                let names: Vec<String> = names.deserialize().map_err(|error| {
                    let fix = "give a list of names, as experiment.configs is".to_string();
                    Error::config(path.display(), &key, error, fix)
                })?;
                shared::layers(path, &key, &names)?
            }
        };
        let mut take = |name: &str| match keys.remove(name) {
            None => Ok(Dict::new()),
            Some(value) => as_dict(path, &format!("{key}.{name}"), value),
        };
        let variant = |(name, keys): (String, Value)| {
            let keys = as_dict(path, &format!("{key}.variants.{name}"), keys)?;
            Ok((name, keys))
        };
        Ok(Self {
            seeds,
            shared,
            claim: take("claim")?,
            variants: take("variants")?
                .into_iter()
                .map(variant)
                .collect::<Result<_>>()?,
            ensembles: take("ensembles")?,
            search: take("search")?,
            keys,
        })
    }
}
