//! Everything one trial depends on, with every default filled in.

use std::collections::BTreeMap;
use std::fmt::Write;

use ablate_core::{Kind, Precision, nearest, registry};
use figment::Figment;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::layer::{Layer, merge, origin};
use super::tables::{Evaluation, Machine, Training};
use crate::parallel::misfit;
use crate::{DeviceName, Error, Result};

/// A plugin by name with its config.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The plugin's registered name.
    pub name: String,
    /// Its config, every default included.
    pub config: Value,
}

impl Choice {
    /// Its table in a config: the name, then the keys.
    pub(super) fn named(&self) -> Value {
        let mut table = Map::from_iter([("name".to_string(), json!(self.name))]);
        if let Value::Object(config) = &self.config {
            table.extend(config.clone());
        }
        Value::Object(table)
    }
}

/// Everything one trial depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialConfig {
    /// The network.
    pub model: Choice,
    /// The images.
    pub data: Choice,
    /// The input pipeline, in order.
    pub augmentation: Vec<Choice>,
    /// The update rule.
    pub optimiser: Choice,
    /// The learning rate over time.
    pub schedule: Choice,
    /// Budget and batches.
    pub training: Training,
    /// What is measured.
    pub evaluation: Evaluation,
    /// How the machine is used.
    pub machine: Machine,
}

impl TrialConfig {
    /// Reads merged layers.
    ///
    /// # Errors
    /// An unknown key (the nearest is suggested), a wrong type or an unknown
    /// plugin; the error says which layer the key came from.
    pub(super) fn from_figment(figment: &Figment) -> Result<Self> {
        let config = Self {
            model: model(figment)?,
            data: data(figment)?,
            augmentation: augmentation(figment)?,
            optimiser: optimiser(figment)?,
            schedule: schedule(figment)?,
            training: section(figment, "training")?,
            evaluation: section(figment, "evaluation")?,
            machine: section(figment, "machine")?,
        };
        config.check_ranges(figment)?;
        Ok(config)
    }

    /// Reads merged layers that differ from this config's in one table or a few: of
    /// the thousands of configs of a search nearly all tables are alike.
    ///
    /// # Errors
    /// As for all of them.
    pub(super) fn changed<'a>(
        &self,
        figment: &Figment,
        tables: impl Iterator<Item = &'a str>,
    ) -> Result<Self> {
        let mut config = self.clone();
        for table in tables {
            match table {
                "model" => config.model = model(figment)?,
                "data" => config.data = data(figment)?,
                "augmentation" => config.augmentation = augmentation(figment)?,
                "optimiser" => config.optimiser = optimiser(figment)?,
                "schedule" => config.schedule = schedule(figment)?,
                "training" => config.training = section(figment, table)?,
                "evaluation" => config.evaluation = section(figment, table)?,
                "machine" => config.machine = section(figment, table)?,
                // Merging has refused every other.
                _ => {}
            }
        }
        config.check_ranges(figment)?;
        Ok(config)
    }

    /// Reads it out of whole configs, such as a trial's; later layers win.
    ///
    /// # Errors
    /// As for the config of an experiment.
    pub(crate) fn read(layers: &[Layer]) -> Result<Self> {
        Self::from_figment(&merge(layers)?)
    }

    /// The config as the run store keeps it, every default included.
    pub fn to_value(&self) -> Value {
        let mut value = self.result_relevant();
        value["training"] = json!(self.training);
        value["evaluation"] = json!(self.evaluation);
        value["machine"] = json!(self.machine);
        value
    }

    /// A content hash over everything that can change a result.
    pub fn hash(&self, seed: u64) -> String {
        self.hashes().of(seed)
    }

    /// The content hashes of all seeds, which share most of the work.
    pub(crate) fn hashes(&self) -> Hashes {
        let text = self.result_relevant().to_string();
        Hashes(Sha256::new_with_prefix(text).chain_update("\n"))
    }

    /// The leaves of the config by dotted key, to compare variants by.
    pub fn leaves(&self) -> BTreeMap<String, Value> {
        let mut leaves = BTreeMap::new();
        flatten("", &self.result_relevant(), &mut leaves);
        leaves
    }

    fn result_relevant(&self) -> Value {
        let steps: Vec<_> = self.augmentation.iter().map(|step| &step.name).collect();
        let mut augmentation = Map::from_iter([("steps".to_string(), json!(steps))]);
        for step in &self.augmentation {
            augmentation.insert(step.name.clone(), step.config.clone());
        }
        let mut evaluation = json!(self.evaluation);
        if let Value::Object(keys) = &mut evaluation {
            keys.shift_remove("samples");
            keys.shift_remove("gallery");
        }
        let mut training = json!(self.training);
        // Trials from before there was a choice keep their hash.
        if let Value::Object(keys) = &mut training
            && self.training.parts == 1
        {
            keys.shift_remove("parts");
        }
        let mut relevant = json!({
            "model": self.model.named(),
            "data": self.data.named(),
            "augmentation": augmentation,
            "optimiser": self.optimiser.named(),
            "schedule": self.schedule.named(),
            "training": training,
            "evaluation": evaluation,
        });
        if let Some(kind) = self.machine.device.kind() {
            relevant["machine"] = json!({ "device": kind });
        }
        relevant
    }

    fn check_ranges(&self, figment: &Figment) -> Result<()> {
        let wrong = |key: &str, problem: &str, fix: &str| Error::Config {
            origin: origin(figment, key),
            key: key.to_string(),
            problem: problem.to_string(),
            fix: fix.to_string(),
        };
        let misfits = [
            self.training.misfit(),
            self.evaluation.misfit(),
            self.machine.misfit(),
        ];
        if let Some((key, problem, fix)) = misfits.into_iter().flatten().next() {
            return Err(wrong(key, &problem, fix));
        }
        let (parts, ranks) = (self.training.parts, self.machine.ranks);
        if !(1..=self.training.batch_size).contains(&parts) {
            return Err(wrong(
                "training.parts",
                &format!(
                    "a batch of {} has no {parts} parts",
                    self.training.batch_size
                ),
                "give 1 for whole batches, or at most an image a part",
            ));
        }
        if let Some(fix) = misfit(parts, ranks) {
            return Err(wrong(
                "machine.ranks",
                &format!("{ranks} ranks cannot share the {parts} part(s) of a batch"),
                &fix,
            ));
        }
        if self.machine.device != DeviceName::Cpu && ranks > 1 && !cfg!(feature = "nccl") {
            return Err(wrong(
                "machine.ranks",
                "GPUs exchange gradients by NCCL, which this program was built without",
                "build it with `--features nccl` (docs/parallel.md), or set machine.ranks=1",
            ));
        }
        if self.machine.device != DeviceName::Cpu && self.training.precision != Precision::F32 {
            return Err(wrong(
                "training.precision",
                &format!("`{}` has kernels for float32 only", self.machine.device),
                "set training.precision=\"f32\", or machine.device=\"cpu\"",
            ));
        }
        for name in &self.evaluation.metrics {
            let key = "evaluation.metrics";
            registry::find(Kind::Metric, name).map_err(|error| located(figment, key, error))?;
        }
        for needed in ["loss", "top1_error"] {
            if !self.evaluation.metrics.iter().any(|name| name == needed) {
                let problem = format!("`{needed}` is missing, and curves and stopping rest on it");
                return Err(wrong(
                    "evaluation.metrics",
                    &problem,
                    &format!("add \"{needed}\""),
                ));
            }
        }
        Ok(())
    }
}

/// The content hashes of a config, but for the seed.
#[derive(Clone)]
pub(crate) struct Hashes(Sha256);

impl Hashes {
    /// The hash of a config and a seed: 64 hexadecimal digits.
    pub fn of(&self, seed: u64) -> String {
        let digest = self.0.clone().chain_update(seed.to_string()).finalize();
        let mut text = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// The table as JSON; an absent one is empty.
fn table(figment: &Figment, name: &str) -> Result<Map<String, Value>> {
    // Each look at a figment merges it all: one is enough.
    let Ok(value) = figment.find_value(name) else {
        return Ok(Map::new());
    };
    value.deserialize().map_err(|error| Error::Config {
        origin: origin(figment, name),
        key: name.to_string(),
        problem: error.to_string(),
        fix: format!("write a table `[{name}]`"),
    })
}

pub(super) fn section<T: DeserializeOwned + JsonSchema + 'static>(
    figment: &Figment,
    name: &str,
) -> Result<T> {
    let value = Value::Object(table(figment, name)?);
    ablate_core::resolve(&value).map_err(|error| located(figment, name, error))
}

pub(super) fn model(figment: &Figment) -> Result<Choice> {
    choice(figment, "model", Kind::Model, None)
}

pub(super) fn data(figment: &Figment) -> Result<Choice> {
    choice(figment, "data", Kind::Dataset, None)
}

fn optimiser(figment: &Figment) -> Result<Choice> {
    choice(figment, "optimiser", Kind::Optimiser, None)
}

fn schedule(figment: &Figment) -> Result<Choice> {
    choice(figment, "schedule", Kind::Schedule, Some("constant"))
}

fn choice(
    figment: &Figment,
    table_name: &str,
    kind: Kind,
    default: Option<&str>,
) -> Result<Choice> {
    let mut config = table(figment, table_name)?;
    let name = match (config.shift_remove("name"), default) {
        (Some(Value::String(name)), _) => name,
        (None, Some(default)) => default.to_string(),
        (other, _) => {
            let known: Vec<_> = registry::all()
                .into_iter()
                .filter(|p| p.kind == kind)
                .map(|p| p.name)
                .collect();
            return Err(Error::Config {
                origin: origin(figment, table_name),
                key: format!("{table_name}.name"),
                problem: match other {
                    None => format!("no {kind} is chosen"),
                    Some(value) => format!("{value} is not a name"),
                },
                fix: format!("name one of: {}", known.join(", ")),
            });
        }
    };
    resolve(figment, table_name, kind, &name, Value::Object(config))
}

fn resolve(figment: &Figment, key: &str, kind: Kind, name: &str, config: Value) -> Result<Choice> {
    let plugin = registry::find(kind, name)
        .map_err(|error| located(figment, &format!("{key}.name"), error))?;
    let config = plugin
        .resolve(&config)
        .map_err(|error| located(figment, key, error))?;
    Ok(Choice {
        name: name.to_string(),
        config,
    })
}

pub(super) fn augmentation(figment: &Figment) -> Result<Vec<Choice>> {
    let mut config = table(figment, "augmentation")?;
    let steps = match config.shift_remove("steps") {
        None => Vec::new(),
        Some(steps) => {
            serde_json::from_value::<Vec<String>>(steps).map_err(|error| Error::Config {
                origin: origin(figment, "augmentation.steps"),
                key: "augmentation.steps".to_string(),
                problem: error.to_string(),
                fix: "give a list of names: [\"random_crop\", \"reflection\"]".to_string(),
            })?
        }
    };
    if let Some(unknown) = config
        .keys()
        .find(|name| registry::find(Kind::Augmentation, name).is_err())
    {
        let plugins = registry::all();
        let known = plugins
            .iter()
            .filter(|p| p.kind == Kind::Augmentation)
            .map(|p| p.name);
        return Err(Error::Config {
            origin: origin(figment, &format!("augmentation.{unknown}")),
            key: format!("augmentation.{unknown}"),
            problem: "there is no such augmentation".to_string(),
            fix: nearest(unknown, known.chain(["steps"])),
        });
    }
    // Every configured step is checked, also one that only another variant uses.
    for (name, value) in &config {
        resolve(
            figment,
            &format!("augmentation.{name}"),
            Kind::Augmentation,
            name,
            value.clone(),
        )?;
    }
    steps
        .iter()
        .map(|name| {
            let value = config.get(name).cloned().unwrap_or_else(|| json!({}));
            let key = format!("augmentation.{name}");
            let plugin = registry::find(Kind::Augmentation, name)
                .map_err(|error| located(figment, "augmentation.steps", error))?;
            let config = plugin
                .resolve(&value)
                .map_err(|error| located(figment, &key, error))?;
            Ok(Choice {
                name: name.clone(),
                config,
            })
        })
        .collect()
}

/// Puts a plugin's complaint into the words of the whole config.
fn located(figment: &Figment, table: &str, error: ablate_core::Error) -> Error {
    use ablate_core::Error as E;
    let (key, problem, fix) = match error {
        E::UnknownKey { key, fix } => (format!("{table}.{key}"), "unknown key".to_string(), fix),
        E::BadValue { key, problem, fix } => (format!("{table}.{key}"), problem, fix),
        E::UnknownPlugin { kind, name, fix } => (
            table.to_string(),
            format!("there is no {kind} named `{name}`"),
            fix,
        ),
        other => return Error::Plugin(other),
    };
    Error::Config {
        origin: origin(figment, &key),
        key,
        problem,
        fix,
    }
}

fn flatten(prefix: &str, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                flatten(&key, value, leaves);
            }
        }
        leaf => {
            leaves.insert(prefix.to_string(), leaf.clone());
        }
    }
}
