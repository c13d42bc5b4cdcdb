//! Experiment files: a claim, a base config, variants and profiles.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ablate_core::nearest;
use ablate_store::{Claim, Experiment};
use figment::value::Dict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::ensemble;
use super::file::{as_dict, dict, read_dict, table_order, typed};
use super::layer::{Layer, Merged, without_nulls};
use super::profile::ProfileTable;
use super::search::SearchTable;
use super::shared;
use super::variant::Variant;
use crate::{Error, Result};

/// The table `[experiment]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentTable {
    /// Short name; runs are stored under it, so it is one folder's: no `/`.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// Files in `configs/` to start from, without `.toml`, later ones over
    /// earlier ones.
    #[serde(default)]
    pub configs: Vec<String>,
    /// Seeds a variant, 1 to 1000; a profile may override it.
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
    search: Dict,
    variants: Vec<(String, Dict)>,
    ensembles: Dict,
    profiles: Vec<(String, ProfileTable)>,
    shared: Vec<Layer>,
}

/// An experiment under one profile.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The claim. What the variants differ in is known once any search is done.
    pub experiment: Experiment,
    /// Seeds a variant.
    pub seeds: u64,
    /// The variants, in the order of the file.
    pub variants: Vec<Variant>,
    /// What is searched before the trials; `None` also where the user gives the
    /// key a value.
    pub search: Option<SearchTable>,
}

const TOP: [&str; 6] = [
    "experiment",
    "base",
    "variants",
    "ensembles",
    "profiles",
    "search",
];

impl ExperimentFile {
    /// Reads an experiment file and the files in `configs/` it names.
    ///
    /// # Errors
    /// A file is missing or is not TOML (with line and column), or a table is
    /// missing, unknown or of the wrong type.
    pub fn read(path: &Path) -> Result<Self> {
        let file = read_dict(path)?;
        let order = table_order(path, "variants")?;
        for key in file.keys() {
            if !TOP.contains(&key.as_str()) {
                return Err(Error::config(
                    path.display(),
                    key,
                    "there is no such table",
                    nearest(key, TOP),
                ));
            }
        }
        let table = dict(path, &file, "experiment")?;
        let table: ExperimentTable = typed(path, "experiment", &table)?;
        let origin = path.display().to_string();
        bounds::name(&origin, "experiment.name", &table.name)?;
        bounds::seeds(&origin, "experiment.seeds", table.seeds)?;
        let mut variants: Vec<(String, Dict)> = dict(path, &file, "variants")?
            .into_iter()
            .map(|(name, value)| {
                let key = format!("variants.{name}");
                bounds::name(&origin, &key, &name)?;
                let keys = as_dict(path, &key, value)?;
                Ok((name, keys))
            })
            .collect::<Result<_>>()?;
        variants.sort_by_key(|(name, _)| order.iter().position(|known| known == name));
        let ensembles = match file.get("ensembles") {
            Some(tables) => as_dict(path, "ensembles", tables.clone())?,
            None => Dict::new(),
        };
        for name in ensembles.keys() {
            bounds::name(&origin, &format!("ensembles.{name}"), name)?;
        }
        let profiles = dict(path, &file, "profiles")?
            .into_iter()
            .map(|(name, value)| {
                let key = format!("profiles.{name}");
                bounds::name(&origin, &key, &name)?;
                let profile = ProfileTable::read(path, &key, as_dict(path, &key, value)?)?;
                for variant in profile.variants.keys() {
                    if !variants.iter().any(|(name, _)| name == variant) {
                        let fix = nearest(variant, variants.iter().map(|(name, _)| name.as_str()));
                        let key = format!("{key}.variants.{variant}");
                        return Err(Error::config(
                            path.display(),
                            key,
                            "there is no such variant",
                            fix,
                        ));
                    }
                }
                Ok((name, profile))
            })
            .collect::<Result<_>>()?;
        let shared = shared::layers(path, "experiment.configs", &table.configs)?;
        let base = dict(path, &file, "base")?;
        let search = match file.get("search") {
            Some(search) => as_dict(path, "search", search.clone())?,
            None => Dict::new(),
        };
        let file = Self {
            path: path.to_path_buf(),
            table,
            base,
            search,
            variants,
            ensembles,
            profiles,
            shared,
        };
        file.check_roles("experiment.claim", &file.table.claim)?;
        for (name, profile) in &file.profiles {
            file.claim(name, profile)?;
        }
        Ok(file)
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
            return Err(Error::config(
                self.path.display(),
                format!("profiles.{name}"),
                "there is no such profile",
                fix,
            ));
        };
        let mut user = vec![Layer::environment()?];
        user.extend_from_slice(settings);
        let search = self.search(name, profile, &mut user)?;
        let variant = |(variant, keys): &(String, Dict)| Variant {
            name: variant.clone(),
            file: self.layers(name, profile, variant, keys),
            user: user.clone(),
            merged: Merged::default(),
            alone: OnceLock::new(),
        };
        let variants: Vec<Variant> = self.variants.iter().map(variant).collect();
        let trained: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
        let changes = (name, &profile.ensembles);
        let ensembles = ensemble::read(&self.path, &self.ensembles, changes, &trained)?;
        Ok(Resolved {
            experiment: Experiment {
                name: self.table.name.clone(),
                title: self.table.title.clone(),
                profile: name.to_string(),
                claim: self.claim(name, profile)?,
                variants: Vec::new(),
                ensembles,
                search: None,
            },
            seeds: profile.seeds.unwrap_or(self.table.seeds),
            variants,
            search,
        })
    }

    /// What is searched under a profile; takes what the user says of it out of `user`.
    fn search(
        &self,
        name: &str,
        profile: &ProfileTable,
        user: &mut [Layer],
    ) -> Result<Option<SearchTable>> {
        let layer = |parent: &str, keys: &Dict| {
            let own = (!keys.is_empty()).then(|| ("search".to_string(), keys.clone().into()));
            Layer::table(&self.path, parent, own.into_iter().collect())
        };
        let file = layer("", &self.search);
        let profile = layer(&format!("profiles.{name}"), &profile.search);
        let variants: Vec<&str> = self.variants.iter().map(|(name, _)| &**name).collect();
        SearchTable::read(vec![file, profile], user, &variants)
    }

    /// What the files say of a variant, later layers over earlier ones.
    fn layers(&self, name: &str, profile: &ProfileTable, variant: &str, keys: &Dict) -> Vec<Layer> {
        let table = |table: &str, keys: &Dict| Layer::table(&self.path, table, keys.clone());
        let mut layers = self.shared.clone();
        layers.push(table("base", &self.base));
        layers.extend_from_slice(&profile.shared);
        layers.push(table(&format!("profiles.{name}"), &profile.keys));
        layers.push(table(&format!("variants.{variant}"), keys));
        if let Some(keys) = profile.variants.get(variant) {
            layers.push(table(&format!("profiles.{name}.variants.{variant}"), keys));
        }
        layers
    }

    /// The claim with the profile's changes: a reduced run may need another target.
    fn claim(&self, name: &str, profile: &ProfileTable) -> Result<Claim> {
        if profile.claim.is_empty() {
            return Ok(self.table.claim.clone());
        }
        let key = format!("profiles.{name}.claim");
        let packed = |error: serde_json::Error| Error::Other(format!("{key}: {error}"));
        let mut claim = serde_json::to_value(&self.table.claim).map_err(packed)?;
        let changes = serde_json::to_value(&profile.claim).map_err(packed)?;
        if let (Some(claim), Some(changes)) = (claim.as_object_mut(), changes.as_object()) {
            claim.extend(changes.clone());
        }
        let claim = typed(&self.path, &key, &without_nulls(&claim))?;
        self.check_roles(&key, &claim)?;
        Ok(claim)
    }

    /// Refuses a claim, at `key`, that does not compare two variants of the file.
    fn check_roles(&self, key: &str, claim: &Claim) -> Result<()> {
        let trained = self.variants.iter().map(|(name, _)| name);
        let known = || trained.clone().chain(self.ensembles.keys());
        let roles = [
            ("baseline", &claim.baseline),
            ("treatment", &claim.treatment),
        ];
        for (name, role) in roles {
            if !known().any(|known| known == role) {
                let fix = nearest(role, known().map(String::as_str));
                let problem = format!("the claim compares `{role}`, which is not a variant");
                return Err(Error::config(
                    self.path.display(),
                    format!("{key}.{name}"),
                    problem,
                    fix,
                ));
            }
        }
        if claim.baseline == claim.treatment {
            let problem = format!("the claim compares `{}` with itself", claim.baseline);
            let fix = "name two variants as `baseline` and `treatment`".to_string();
            return Err(Error::config(self.path.display(), key, problem, fix));
        }
        Ok(())
    }
}
