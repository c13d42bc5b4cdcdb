//! A network by the name of its model, apart from any experiment.

use ablate_core::Kind;

use super::layer::{Layer, merge};
use super::trial::{Choice, choice};
use crate::{Error, Result};

/// A model by its name, with the user's environment and settings, each a key of
/// the table `model`.
///
/// # Errors
/// There is no such model, or a key is unknown or of another table.
pub fn model(name: &str, settings: &[Layer]) -> Result<Choice> {
    for layer in settings {
        if let Some(table) = layer.table_names().find(|table| *table != "model") {
            return Err(Error::Config {
                origin: layer.origin().to_string(),
                key: table.to_string(),
                problem: "a model alone has no such table".to_string(),
                fix: "give a key of the model, such as model.width=0.5, or name an experiment"
                    .to_string(),
            });
        }
    }
    let mut layers = vec![
        Layer::key("the command line", "model.name", name.into()),
        Layer::environment()?,
    ];
    layers.extend_from_slice(settings);
    choice(&merge(&layers)?, "model", Kind::Model, None)
}
