//! The part of a config that says what a network is and how it sees an image:
//! what is left of a trial when its training is over.

use ablate_core::Precision;
use serde_json::{Value, json};

use super::choice::{self, Choice, augmentation, section};
use super::layer::{Layer, merge};
use super::tables::Training;
use crate::{Error, Result};

/// A network and its input pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// The network.
    pub model: Choice,
    /// The images it was trained on.
    pub data: Choice,
    /// The input pipeline, in order.
    pub augmentation: Vec<Choice>,
    /// What its products are taken of.
    pub precision: Precision,
}

impl NetworkConfig {
    /// Reads it out of whole configs, such as a trial's; later layers win.
    ///
    /// # Errors
    /// An unknown key, a wrong type, an unknown plugin, or no model or data set.
    pub fn read(layers: &[Layer]) -> Result<Self> {
        let figment = merge(layers)?;
        let training: Training = section(&figment, "training")?;
        Ok(Self {
            model: choice::model(&figment)?,
            data: choice::data(&figment)?,
            augmentation: augmentation(&figment)?,
            precision: training.precision,
        })
    }

    /// The config as [`read`](Self::read) takes it back.
    pub fn to_value(&self) -> Value {
        let steps: Vec<_> = self.augmentation.iter().map(|step| &step.name).collect();
        let mut augmentation = json!({ "steps": steps });
        for step in &self.augmentation {
            augmentation[&step.name] = step.config.clone();
        }
        json!({
            "model": self.model.named(),
            "data": self.data.named(),
            "augmentation": augmentation,
            "training": { "precision": self.precision },
        })
    }
}

/// A model by its name, with the user's environment and settings, each a key of
/// the table `model`.
///
/// # Errors
/// There is no such model, or a key is unknown or of another table.
pub fn model(name: &str, settings: &[Layer]) -> Result<Choice> {
    for layer in settings {
        if let Some(table) = layer.table_names().find(|table| *table != "model") {
            return Err(Error::config(
                layer.origin(),
                table,
                "a model alone has no such table",
                "give a key of the model, such as model.width=0.5, or name an experiment",
            ));
        }
    }
    let mut layers = vec![
        Layer::key("the command line", "model.name", name.into()),
        Layer::environment()?,
    ];
    layers.extend_from_slice(settings);
    choice::model(&merge(&layers)?)
}
