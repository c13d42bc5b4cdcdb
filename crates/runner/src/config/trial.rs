//! Everything one trial depends on, with every default filled in.

use std::collections::BTreeMap;
use std::fmt::Write;

use ablate_core::{Kind, Precision, registry};
use figment::Figment;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::choice::{Choice, augmentation, data, located, model, optimiser, schedule, section};
use super::layer::{Layer, merge, origin};
use super::tables::{Evaluation, Machine, Training};
use crate::parallel::misfit;
use crate::{DeviceName, Error, Result};

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

#[cfg(test)]
impl TrialConfig {
    /// One of plugins that need not be there, all else at its default.
    pub(crate) fn of_any() -> Self {
        let any = || Choice {
            name: "any".to_string(),
            config: json!({}),
        };
        Self {
            model: any(),
            data: any(),
            augmentation: Vec::new(),
            optimiser: any(),
            schedule: any(),
            training: Training::default(),
            evaluation: Evaluation::default(),
            machine: Machine::default(),
        }
    }
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
        ablate_store::leaves(&self.result_relevant())
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
        let wrong = |key: &str, problem: &str, fix: &str| {
            Error::config(origin(figment, key), key, problem, fix)
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
        if self.machine.device != DeviceName::Cpu && self.machine.workers > 1 {
            return Err(wrong(
                "machine.workers",
                &format!(
                    "`{}` has no workers to share a network",
                    self.machine.device
                ),
                "set machine.workers=1; towers train alike without",
            ));
        }
        if self.machine.device != DeviceName::Cpu && self.training.precision != Precision::F32 {
            return Err(wrong(
                "training.precision",
                &format!("`{}` has kernels for float32 only", self.machine.device),
                "set training.precision=\"f32\", or machine.device=\"cpu\"",
            ));
        }
        for (index, name) in self.evaluation.metrics.iter().enumerate() {
            let key = "evaluation.metrics";
            // Its scores would be added up twice, over images that are counted once.
            if self.evaluation.metrics[..index].contains(name) {
                let problem = format!("`{name}` is named twice");
                return Err(wrong(key, &problem, "name each metric once"));
            }
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
