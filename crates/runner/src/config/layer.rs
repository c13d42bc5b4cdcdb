//! One layer of configuration and the merging of several.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ablate_core::nearest;
use figment::providers::Env;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::bounds;
use super::file::read_dict;
use crate::{Error, Result};

/// The tables that name a plugin with their key `name`.
pub(super) const PLUGIN_TABLES: [&str; 4] = ["model", "data", "optimiser", "schedule"];
/// Every table a trial has.
pub(super) const TABLES: [&str; 8] = [
    "model",
    "data",
    "augmentation",
    "optimiser",
    "schedule",
    "training",
    "evaluation",
    "machine",
];

/// Keys from one place, which errors about them will name.
#[derive(Clone, Debug)]
pub struct Layer {
    origin: String,
    path: Option<PathBuf>,
    keys: Dict,
    /// Whether the user says so, beside any file.
    is_users: bool,
}

impl Layer {
    /// A table of a TOML file.
    pub fn table(path: &Path, table: &str, keys: Dict) -> Self {
        let origin = match table {
            "" => path.display().to_string(),
            table => format!("{} [{table}]", path.display()),
        };
        Self {
            origin,
            path: Some(path.to_path_buf()),
            keys,
            is_users: false,
        }
    }

    /// A whole config that is JSON, such as a stored trial's. JSON has null where
    /// TOML leaves a key out.
    ///
    /// # Errors
    /// It is not a table.
    pub fn json(origin: impl Into<String>, config: &serde_json::Value) -> Result<Self> {
        let origin = origin.into();
        let keys = Value::serialize(without_nulls(config))
            .ok()
            .and_then(Value::into_dict);
        let Some(keys) = keys else {
            let fix = "give a config with the tables `model` and `data`";
            return Err(Error::config(origin, "", "it is no table of keys", fix));
        };
        Ok(Self {
            origin,
            path: None,
            keys,
            is_users: false,
        })
    }

    /// A whole config that is a TOML file, such as a trial's `config.toml`.
    ///
    /// # Errors
    /// The file cannot be read or is not TOML.
    pub fn file(path: &Path) -> Result<Self> {
        Ok(Self::table(path, "", read_dict(path)?))
    }

    /// The environment variables `ABLATE__TABLE__KEY`.
    ///
    /// # Errors
    /// A variable does not read as a config value.
    pub fn environment() -> Result<Self> {
        let provider = Env::prefixed("ABLATE__").split("__");
        let mut data = provider.data().map_err(|error| {
            let fix = "write `ABLATE__OPTIMISER__LR=0.01` for `optimiser.lr = 0.01`";
            Error::config("the environment", "ABLATE__*", error, fix)
        })?;
        let keys = data.remove(&Profile::Default).unwrap_or_default();
        let origin = "the environment (ABLATE__*)".to_string();
        bounds::finite(&origin, &keys)?;
        Ok(Self {
            origin,
            path: None,
            keys,
            is_users: true,
        })
    }

    /// One `--set key=value`; the value is read as TOML, or else as a string.
    ///
    /// # Errors
    /// There is no `=`, the key is deeper than any, or the value is not finite.
    pub fn setting(text: &str) -> Result<Self> {
        let origin = format!("--set {text}");
        let Some((key, value)) = text
            .split_once('=')
            .filter(|(key, _)| !key.trim().is_empty())
        else {
            let fix = "write `--set optimiser.lr=0.01`";
            return Err(Error::config(origin, text, "there is no `=`", fix));
        };
        bounds::depth(&origin, key)?;
        let value = format!("value = {value}");
        let parsed = toml::from_str::<Dict>(&value)
            .ok()
            .and_then(|mut table| table.remove("value"));
        let leaf = parsed.unwrap_or_else(|| Value::from(value["value = ".len()..].to_string()));
        let layer = Self {
            is_users: true,
            ..Self::key(origin, key.trim(), leaf)
        };
        bounds::finite(&layer.origin, &layer.keys)?;
        Ok(layer)
    }

    /// One dotted key with its value.
    pub fn key(origin: impl Into<String>, key: &str, value: Value) -> Self {
        let mut parts = key.rsplit('.');
        let last = parts.next().unwrap_or_default().to_string();
        let mut keys = Dict::from([(last, value)]);
        for part in parts {
            keys = Dict::from([(part.to_string(), keys.into())]);
        }
        Self {
            origin: origin.into(),
            path: None,
            keys,
            is_users: false,
        }
    }

    /// What messages call it.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The tables it has keys of.
    pub(super) fn table_names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Whether this layer gives a dotted key a value.
    pub(super) fn sets(&self, key: &str) -> bool {
        Value::from(self.keys.clone()).find(key).is_some()
    }

    /// Whether this layer has a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.keys.contains_key(table)
    }

    /// Parts a table from this layer, as a layer of its own; `None` where it has none.
    pub(super) fn split_off(&mut self, table: &str) -> Option<Self> {
        let keys = self.keys.remove(table)?;
        Some(Self {
            keys: Dict::from([(table.to_string(), keys)]),
            ..self.clone()
        })
    }

    /// Takes the value of a key out of a table; `None` where it has none.
    pub(super) fn take(&mut self, table: &str, key: &str) -> Option<Value> {
        match self.keys.get_mut(table)? {
            Value::Dict(_, keys) => keys.remove(key),
            _ => None,
        }
    }

    /// The plugin this layer chooses for a table, if it does.
    fn chooses(&self, table: &str) -> Option<&str> {
        self.keys.get(table)?.as_dict()?.get("name")?.as_str()
    }

    /// Refuses to lose what the user has set, as a later layer that names another plugin
    /// for the table would have it: `later` are that layer and those after it.
    fn check_kept(&self, table: &str, later: &[Self]) -> Result<()> {
        let Some(Value::Dict(_, keys)) = self.keys.get(table).filter(|_| self.is_users) else {
            return Ok(());
        };
        // Who names a plugin and its keys in one place means that plugin alone.
        if keys.contains_key("name") {
            return Ok(());
        }
        let mut keys = keys.keys().map(|key| format!("{table}.{key}"));
        let lost = keys.find(|key| !later.iter().any(|layer| layer.sets(key)));
        let (Some(key), Some(named)) = (lost, later.first()) else {
            return Ok(());
        };
        let problem = format!("it would be lost: {} names another plugin", named.origin);
        let fix = format!("name the plugin first: give `--set {key}=VALUE` after `{table}.name`");
        Err(Error::config(&self.origin, key, problem, fix))
    }

    /// Refuses tables no trial has.
    fn check_tables(&self) -> Result<()> {
        match self.keys.keys().find(|key| !TABLES.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                // From the command line or the environment a search can be changed, too.
                let search = self.path.is_none().then_some("search");
                let fix = nearest(key, TABLES.into_iter().chain(search));
                let problem = "there is no such table";
                Err(Error::config(&self.origin, key, problem, fix))
            }
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.origin.clone());
        match &self.path {
            Some(path) => metadata.source(path.as_path()),
            None => metadata,
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.keys.clone())]))
    }
}

/// Merges layers, later ones over earlier ones.
///
/// A layer that names another plugin for a table starts that table afresh: the
/// keys of one model mean nothing to the next.
///
/// # Errors
/// A layer has a table that no trial has, or what the user has set would be lost.
pub(super) fn merge(layers: &[Layer]) -> Result<Figment> {
    let mut kept: Vec<Layer> = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        layer.check_tables()?;
        for table in PLUGIN_TABLES {
            let Some(name) = layer.chooses(table) else {
                continue;
            };
            let changes =
                kept.iter().rev().find_map(|earlier| earlier.chooses(table)) != Some(name);
            if changes {
                for earlier in &mut kept {
                    earlier.check_kept(table, &layers[index..])?;
                    earlier.keys.remove(table);
                }
            }
        }
        kept.push(layer.clone());
    }
    Ok(kept.into_iter().fold(Figment::new(), Figment::merge))
}

/// Layers that many configs begin with, merged on first use.
#[derive(Clone, Debug, Default)]
pub struct Merged(OnceLock<Figment>);

impl Merged {
    /// Merges `first`, always the same, and then `later`, as [`merge`] does.
    ///
    /// # Errors
    /// A layer has a table that no trial has.
    pub(super) fn with(&self, first: &[Layer], later: &[Layer]) -> Result<Figment> {
        let chooses = |layer: &Layer| PLUGIN_TABLES.iter().any(|t| layer.chooses(t).is_some());
        if later.iter().any(chooses) {
            // What the first ones say of that table may have to go.
            return merge(&[first, later].concat());
        }
        let merged = match self.0.get() {
            Some(merged) => merged,
            None => {
                let merged = merge(first)?;
                self.0.get_or_init(|| merged)
            }
        };
        for layer in later {
            layer.check_tables()?;
        }
        Ok(later.iter().cloned().fold(merged.clone(), Figment::merge))
    }
}

/// A config without the keys that have no value.
pub(crate) fn without_nulls(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(table) => table
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Where the value of a dotted key came from, for error messages.
pub(super) fn origin(figment: &Figment, key: &str) -> String {
    let mut key = key;
    loop {
        if let Some(metadata) = figment.find_metadata(key) {
            return metadata.name.to_string();
        }
        match key.rsplit_once('.') {
            Some((parent, _)) => key = parent,
            None => return "the configuration".to_string(),
        }
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
