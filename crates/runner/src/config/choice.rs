//! Plugins by name with their configs, read out of merged layers.

use ablate_core::{Kind, nearest, registry};
use figment::Figment;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::layer::origin;
use crate::{Error, Result};

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

/// The table as JSON; an absent one is empty.
fn table(figment: &Figment, name: &str) -> Result<Map<String, Value>> {
    // Each look at a figment merges it all: one is enough.
    let Ok(value) = figment.find_value(name) else {
        return Ok(Map::new());
    };
    value.deserialize().map_err(|error| {
        let fix = format!("write a table `[{name}]`");
        Error::config(origin(figment, name), name, error, fix)
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

pub(super) fn optimiser(figment: &Figment) -> Result<Choice> {
    choice(figment, "optimiser", Kind::Optimiser, None)
}

pub(super) fn schedule(figment: &Figment) -> Result<Choice> {
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
            let problem = match other {
                None => format!("no {kind} is chosen"),
                Some(value) => format!("{value} is not a name"),
            };
            return Err(Error::config(
                origin(figment, table_name),
                format!("{table_name}.name"),
                problem,
                format!("name one of: {}", known.join(", ")),
            ));
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
        Some(steps) => serde_json::from_value::<Vec<String>>(steps).map_err(|error| {
            let key = "augmentation.steps";
            let fix = "give a list of names: [\"random_crop\", \"reflection\"]";
            Error::config(origin(figment, key), key, error, fix)
        })?,
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
        let key = format!("augmentation.{unknown}");
        let fix = nearest(unknown, known.chain(["steps"]));
        let problem = "there is no such augmentation";
        return Err(Error::config(origin(figment, &key), key, problem, fix));
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
pub(super) fn located(figment: &Figment, table: &str, error: ablate_core::Error) -> Error {
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
    Error::config(origin(figment, &key), key, problem, fix)
}
