//! Experiment files: a claim, a base config, variants and profiles.

use std::path::{Path, PathBuf};

use ablate_core::nearest;
use ablate_store::{Claim, Experiment};
use figment::value::{Dict, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layer::{Layer, merge};
use super::trial::TrialConfig;
use crate::{Error, Result};

/// The table `[experiment]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentTable {
    /// Short name; runs are stored under it.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// Files in `configs/` to start from, without `.toml`, later ones over
    /// earlier ones.
    #[serde(default)]
    pub configs: Vec<String>,
    /// Seeds a variant; a profile may override it.
    #[serde(default = "three")]
    pub seeds: u64,
    /// The profile used when none is asked for.
    #[serde(default = "quick")]
    pub default_profile: String,
    /// What the paper claims and which numbers answer it.
    pub claim: Claim,
}

fn three() -> u64 {
    3
}

fn quick() -> String {
    "quick".to_string()
}

/// A parsed experiment file.
#[derive(Clone, Debug)]
pub struct ExperimentFile {
    path: PathBuf,
    table: ExperimentTable,
    base: Dict,
    variants: Vec<(String, Dict)>,
    profiles: Vec<(String, ProfileTable)>,
    shared: Vec<Layer>,
}

/// An experiment under one profile.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The claim, and what the variants differ in.
    pub experiment: Experiment,
    /// Seeds a variant.
    pub seeds: u64,
    /// Each variant's name and config, in the order of the file.
    pub variants: Vec<(String, TrialConfig)>,
}

/// A profile: how much of the real thing is run.
#[derive(Clone, Debug, Default)]
struct ProfileTable {
    seeds: Option<u64>,
    claim: Dict,
    variants: Dict,
    keys: Dict,
}

const TOP: [&str; 4] = ["experiment", "base", "variants", "profiles"];

impl ExperimentFile {
    /// Reads an experiment file and the files in `configs/` it names.
    ///
    /// # Errors
    /// A file is missing or is not TOML (with line and column), or a table is
    /// missing, unknown or of the wrong type.
    pub fn read(path: &Path) -> Result<Self> {
        let file: Dict = read_toml(path)?;
        let order = table_order(path, "variants")?;
        for key in file.keys() {
            if !TOP.contains(&key.as_str()) {
                return Err(misfit(
                    path,
                    key,
                    "there is no such table",
                    nearest(key, TOP),
                ));
            }
        }
        let table: ExperimentTable = experiment_table(path, &file)?;
        let mut variants: Vec<(String, Dict)> = dict(path, &file, "variants")?
            .into_iter()
            .map(|(name, value)| {
                let keys = as_dict(path, &format!("variants.{name}"), value)?;
                Ok((name, keys))
            })
            .collect::<Result<_>>()?;
        variants.sort_by_key(|(name, _)| order.iter().position(|known| known == name));
        for role in [&table.claim.baseline, &table.claim.treatment] {
            if !variants.iter().any(|(name, _)| name == role) {
                let fix = nearest(role, variants.iter().map(|(name, _)| name.as_str()));
                let problem = format!("the claim compares `{role}`, which is not a variant");
                return Err(misfit(path, "experiment.claim", &problem, fix));
            }
        }
        let profiles = dict(path, &file, "profiles")?
            .into_iter()
            .map(|(name, value)| {
                let key = format!("profiles.{name}");
                let profile = ProfileTable::read(path, &key, as_dict(path, &key, value)?)?;
                for variant in profile.variants.keys() {
                    if !variants.iter().any(|(name, _)| name == variant) {
                        let fix = nearest(variant, variants.iter().map(|(name, _)| name.as_str()));
                        let key = format!("{key}.variants.{variant}");
                        return Err(misfit(path, &key, "there is no such variant", fix));
                    }
                }
                Ok((name, profile))
            })
            .collect::<Result<_>>()?;
        let shared = shared_layers(path, &table.configs)?;
        let base = dict(path, &file, "base")?;
        Ok(Self {
            path: path.to_path_buf(),
            table,
            base,
            variants,
            profiles,
            shared,
        })
    }

    /// The table `[experiment]`.
    pub fn table(&self) -> &ExperimentTable {
        &self.table
    }

    /// The names of the profiles.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|(name, _)| name.as_str())
    }

    /// The experiment under a profile; `None` is the default one.
    ///
    /// # Errors
    /// No such profile, or a key is wrong.
    pub fn resolve(&self, profile: Option<&str>, settings: &[Layer]) -> Result<Resolved> {
        let name = profile.unwrap_or(&self.table.default_profile);
        let Some((_, profile)) = self.profiles.iter().find(|(known, _)| known == name) else {
            let fix = nearest(name, self.profiles());
            return Err(misfit(
                &self.path,
                &format!("profiles.{name}"),
                "there is no such profile",
                fix,
            ));
        };
        let environment = Layer::environment()?;
        let mut resolved = Vec::new();
        for (variant, keys) in &self.variants {
            let mut layers = self.shared.clone();
            layers.push(Layer::table(&self.path, "base", self.base.clone()));
            layers.push(Layer::table(
                &self.path,
                &format!("profiles.{name}"),
                profile.keys.clone(),
            ));
            layers.push(Layer::table(
                &self.path,
                &format!("variants.{variant}"),
                keys.clone(),
            ));
            if let Some(Value::Dict(_, keys)) = profile.variants.get(variant) {
                let table = format!("profiles.{name}.variants.{variant}");
                layers.push(Layer::table(&self.path, &table, keys.clone()));
            }
            layers.push(environment.clone());
            layers.extend_from_slice(settings);
            resolved.push((
                variant.clone(),
                TrialConfig::from_figment(&merge(&layers)?)?,
            ));
        }
        let experiment = Experiment {
            name: self.table.name.clone(),
            title: self.table.title.clone(),
            profile: name.to_string(),
            claim: self.claim(name, profile)?,
            variants: differences(&resolved),
        };
        let seeds = profile.seeds.unwrap_or(self.table.seeds);
        Ok(Resolved {
            experiment,
            seeds,
            variants: resolved,
        })
    }

    /// The claim with the profile's changes: a reduced run may need another target.
    fn claim(&self, name: &str, profile: &ProfileTable) -> Result<Claim> {
        if profile.claim.is_empty() {
            return Ok(self.table.claim.clone());
        }
        let key = format!("profiles.{name}.claim");
        let wrong = |error: &dyn std::fmt::Display| {
            misfit(
                &self.path,
                &key,
                &error.to_string(),
                "see [experiment.claim]".to_string(),
            )
        };
        let mut claim = serde_json::to_value(&self.table.claim).map_err(|e| wrong(&e))?;
        let changes = serde_json::to_value(&profile.claim).map_err(|e| wrong(&e))?;
        if let (Some(claim), Some(changes)) = (claim.as_object_mut(), changes.as_object()) {
            claim.extend(changes.clone());
        }
        serde_json::from_value(claim).map_err(|e| wrong(&e))
    }
}

impl ProfileTable {
    fn read(path: &Path, key: &str, mut keys: Dict) -> Result<Self> {
        let seeds = match keys.remove("seeds") {
            None => None,
            Some(value) => match value.to_i128().and_then(|seeds| u64::try_from(seeds).ok()) {
                Some(seeds) if seeds > 0 => Some(seeds),
                _ => {
                    let key = format!("{key}.seeds");
                    let fix = "give 1 or more".to_string();
                    return Err(misfit(path, &key, "it is not a positive number", fix));
                }
            },
        };
        let mut take = |name: &str| match keys.remove(name) {
            None => Ok(Dict::new()),
            Some(value) => as_dict(path, &format!("{key}.{name}"), value),
        };
        Ok(Self {
            seeds,
            claim: take("claim")?,
            variants: take("variants")?,
            keys,
        })
    }
}

/// The keys in which the variants are not all alike, with each one's values.
fn differences(
    configs: &[(String, TrialConfig)],
) -> Vec<(
    String,
    std::collections::BTreeMap<String, serde_json::Value>,
)> {
    let leaves: Vec<_> = configs.iter().map(|(_, config)| config.leaves()).collect();
    let differs = |key: &String| {
        leaves
            .iter()
            .any(|other| other.get(key) != leaves[0].get(key))
    };
    let keys: std::collections::BTreeSet<&String> = leaves
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

fn shared_layers(experiment: &Path, names: &[String]) -> Result<Vec<Layer>> {
    // `experiments/x.toml` finds `configs/` beside its own folder.
    let folder = experiment
        .parent()
        .unwrap_or(Path::new("."))
        .join("..")
        .join("configs");
    names
        .iter()
        .map(|name| {
            let path = folder.join(format!("{name}.toml"));
            let shown = Path::new("configs").join(format!("{name}.toml"));
            if !path.exists() {
                let known: Vec<String> = std::fs::read_dir(&folder)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_string()))
                    .collect();
                return Err(misfit(
                    experiment,
                    "experiment.configs",
                    &format!("there is no file {}", shown.display()),
                    nearest(name, known.iter().map(String::as_str)),
                ));
            }
            Ok(Layer::table(&shown, "", read_toml(&path)?))
        })
        .collect()
}

fn experiment_table(path: &Path, file: &Dict) -> Result<ExperimentTable> {
    let value = file.get("experiment").ok_or_else(|| {
        misfit(
            path,
            "experiment",
            "the table is missing",
            "see experiments/relu_vs_tanh.toml".to_string(),
        )
    })?;
    let json = serde_json::to_value(value).map_err(|error| Error::Other(error.to_string()))?;
    ablate_core::resolve(&json).map_err(|error| match error {
        ablate_core::Error::UnknownKey { key, fix } => {
            misfit(path, &format!("experiment.{key}"), "unknown key", fix)
        }
        ablate_core::Error::BadValue { key, problem, .. } => {
            let key = format!("experiment.{key}");
            misfit(
                path,
                &key,
                &problem,
                "see experiments/relu_vs_tanh.toml".to_string(),
            )
        }
        other => Error::Plugin(other),
    })
}

fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    toml::from_str(&read_text(path)?).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: error.to_string().trim_end().to_string(),
        fix: "correct the TOML at that line".to_string(),
    })
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: error.to_string(),
        fix: match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path; `ls experiments` shows the experiments".to_string()
            }
            _ => "check that it is a readable text file".to_string(),
        },
    })
}

/// The names in a table in the order of the file, which a `Dict` does not keep.
fn table_order(path: &Path, table: &str) -> Result<Vec<String>> {
    let file: toml::Table = read_toml(path)?;
    let names = file.get(table).and_then(toml::Value::as_table);
    Ok(names
        .map(|names| names.keys().cloned().collect())
        .unwrap_or_default())
}

fn dict(path: &Path, file: &Dict, key: &str) -> Result<Dict> {
    match file.get(key) {
        Some(value) => as_dict(path, key, value.clone()),
        None => {
            let fix = "see experiments/relu_vs_tanh.toml".to_string();
            Err(misfit(path, key, "the table is missing", fix))
        }
    }
}

fn as_dict(path: &Path, key: &str, value: Value) -> Result<Dict> {
    match value {
        Value::Dict(_, dict) => Ok(dict),
        _ => Err(misfit(
            path,
            key,
            "it is not a table",
            format!("write a table `[{key}]`"),
        )),
    }
}

fn misfit(path: &Path, key: &str, problem: &str, fix: String) -> Error {
    Error::Config {
        origin: path.display().to_string(),
        key: key.to_string(),
        problem: problem.to_string(),
        fix,
    }
}
