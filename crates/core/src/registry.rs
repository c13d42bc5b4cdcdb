//! The plugins linked into this program, found by kind and name.

use serde_json::Value;

use crate::{
    Augmentation, AugmentationContext, DataContext, Dataset, Error, Kind, Launcher, Metric, Model,
    ModelContext, Optimiser, Parameter, Plugin, Result, Schedule, nearest,
};

/// All plugins, ordered by kind and name.
pub fn all() -> Vec<&'static Plugin> {
    let mut plugins: Vec<_> = inventory::iter::<Plugin>.into_iter().collect();
    plugins.sort_by_key(|plugin| (plugin.kind, plugin.name));
    plugins
}

/// The plugin of that kind and name.
///
/// # Errors
/// There is none (the nearest name is suggested), or two crates claim the name.
pub fn find(kind: Kind, name: &str) -> Result<&'static Plugin> {
    let plugins = all();
    let of_kind: Vec<_> = plugins
        .into_iter()
        .filter(|plugin| plugin.kind == kind)
        .collect();
    let named: Vec<_> = of_kind
        .iter()
        .filter(|plugin| plugin.name == name)
        .collect();
    match named[..] {
        [plugin] => Ok(plugin),
        [] => Err(Error::UnknownPlugin {
            kind,
            name: name.to_string(),
            fix: nearest(name, of_kind.iter().map(|plugin| plugin.name)),
        }),
        [first, second, ..] => Err(Error::Other(format!(
            "the crates `{}` and `{}` both register the {kind} `{name}`\n  fix: rename one",
            first.package, second.package
        ))),
    }
}

/// Builds a model.
///
/// # Errors
/// No such plugin, a bad config, or whatever the plugin raises; so for each
/// function below.
pub fn model(name: &str, config: &Value, cx: &ModelContext) -> Result<Box<dyn Model>> {
    find(Kind::Model, name)?.build_model(config, cx)
}

/// Opens a data set.
#[allow(clippy::missing_errors_doc)]
pub fn dataset(name: &str, config: &Value, cx: &DataContext) -> Result<Box<dyn Dataset>> {
    find(Kind::Dataset, name)?.build_dataset(config, cx)
}

/// Builds a step of the input pipeline.
#[allow(clippy::missing_errors_doc)]
pub fn augmentation(
    name: &str,
    config: &Value,
    cx: &AugmentationContext,
) -> Result<Box<dyn Augmentation>> {
    find(Kind::Augmentation, name)?.build_augmentation(config, cx)
}

/// Builds an optimiser over `parameters`.
#[allow(clippy::missing_errors_doc)]
pub fn optimiser(
    name: &str,
    config: &Value,
    parameters: &[Parameter],
) -> Result<Box<dyn Optimiser>> {
    find(Kind::Optimiser, name)?.build_optimiser(config, parameters)
}

/// Builds a learning-rate schedule.
#[allow(clippy::missing_errors_doc)]
pub fn schedule(name: &str, config: &Value) -> Result<Box<dyn Schedule>> {
    find(Kind::Schedule, name)?.build_schedule(config)
}

/// Builds a launcher from keys that may be missing or wrong.
///
/// # Errors
/// No such plugin, an unknown key, a value of the wrong type or out of range.
pub fn launcher(name: &str, keys: &Value) -> Result<Box<dyn Launcher>> {
    let plugin = find(Kind::Launcher, name)?;
    plugin.build_launcher(&plugin.resolve(keys)?)
}

/// Builds a metric.
#[allow(clippy::missing_errors_doc)]
pub fn metric(name: &str, config: &Value) -> Result<Box<dyn Metric>> {
    find(Kind::Metric, name)?.build_metric(config)
}
