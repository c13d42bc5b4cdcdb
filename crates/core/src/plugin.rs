//! What a plugin says of itself, and how it is registered.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Augmentation, AugmentationConfig, AugmentationContext, DataContext, Dataset, DatasetConfig,
    Error, Key, Launcher, LauncherConfig, Metric, MetricConfig, Model, ModelConfig, ModelContext,
    Optimiser, OptimiserConfig, Parameter, Result, Schedule, ScheduleConfig, schema,
};

/// The config of any plugin: plain data with a default for every key.
///
/// Doc comments on its fields are what `cargo xtask describe` prints; a last
/// line `Source: section 3.3` says where the default comes from. Put
/// `#[serde(default, deny_unknown_fields)]` on the struct.
pub trait PluginConfig:
    Serialize + DeserializeOwned + JsonSchema + Default + Send + Sync + 'static
{
}

impl<T> PluginConfig for T where
    T: Serialize + DeserializeOwned + JsonSchema + Default + Send + Sync + 'static
{
}

/// The seven things a plugin can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Builds a [`Model`].
    Model,
    /// Builds a [`Dataset`].
    Dataset,
    /// Builds an [`Augmentation`].
    Augmentation,
    /// Builds an [`Optimiser`].
    Optimiser,
    /// Builds a [`Schedule`].
    Schedule,
    /// Builds a [`Metric`].
    Metric,
    /// Builds a [`Launcher`].
    Launcher,
}

impl Kind {
    /// All kinds, in the order lists show them.
    pub const ALL: [Self; 7] = [
        Self::Model,
        Self::Dataset,
        Self::Augmentation,
        Self::Optimiser,
        Self::Schedule,
        Self::Metric,
        Self::Launcher,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Model => "model",
            Self::Dataset => "data set",
            Self::Augmentation => "augmentation",
            Self::Optimiser => "optimiser",
            Self::Schedule => "schedule",
            Self::Metric => "metric",
            Self::Launcher => "launcher",
        })
    }
}

/// A registered plugin.
pub struct Plugin {
    /// What it builds.
    pub kind: Kind,
    /// The name configs use; unique within its kind.
    pub name: &'static str,
    /// One line for lists.
    pub about: &'static str,
    /// The crate it comes from.
    pub package: &'static str,
    schema: fn() -> &'static Schema,
    resolve: fn(&Value) -> Result<Value>,
    build: Build,
}

/// How an optimiser is built from its config.
type BuildOptimiser = fn(&Value, &[Parameter]) -> Result<Box<dyn Optimiser>>;

/// How to build each kind from its resolved config.
enum Build {
    Model(fn(&Value, &ModelContext) -> Result<Box<dyn Model>>),
    Dataset(fn(&Value, &DataContext) -> Result<Box<dyn Dataset>>),
    Augmentation(fn(&Value, &AugmentationContext) -> Result<Box<dyn Augmentation>>),
    Optimiser(BuildOptimiser),
    Schedule(fn(&Value) -> Result<Box<dyn Schedule>>),
    Metric(fn(&Value) -> Result<Box<dyn Metric>>),
    Launcher(fn(&Value) -> Result<Box<dyn Launcher>>),
}

inventory::collect!(Plugin);

/// Registers a plugin at link time.
///
/// ```
/// use ablate_core::{EpochRecord, Error, Progress, Result, Schedule, ScheduleConfig, register};
///
/// /// Halves the learning rate every so often.
/// #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// #[serde(default, deny_unknown_fields)]
/// struct Halving {
///     /// Epochs between halvings.
///     every: usize,
/// }
///
/// impl Default for Halving {
///     fn default() -> Self {
///         Self { every: 10 }
///     }
/// }
///
/// impl ScheduleConfig for Halving {
///     fn build(&self) -> Result<Box<dyn Schedule>> {
///         if self.every == 0 {
///             let problem = "the rate cannot fall every 0 epochs";
///             return Err(Error::bad_value("every", problem, "give 1 or more"));
///         }
///         Ok(Box::new(Self { every: self.every }))
///     }
/// }
///
/// impl Schedule for Halving {
///     fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
///         0.5f64.powi((progress.epoch / self.every) as i32)
///     }
/// }
///
/// register!(schedule, "halving", Halving, "halves the learning rate every so often");
///
/// let config = serde_json::json!({ "every": 2 });
/// let schedule = ablate_core::registry::schedule("halving", &config)?;
/// let progress = Progress { epoch: 4, step: 0, steps_per_epoch: 1, epochs: 9 };
/// assert_eq!(schedule.factor(progress, &[]), 0.25);
/// let config = serde_json::json!({ "every": 0 });
/// assert!(ablate_core::registry::schedule("halving", &config).is_err());
/// # Ok::<(), ablate_core::Error>(())
/// ```
#[macro_export]
macro_rules! register {
    ($kind:ident, $name:literal, $config:ty, $about:literal) => {
        $crate::inventory::submit! {
            $crate::Plugin::$kind::<$config>($name, $about, env!("CARGO_PKG_NAME"))
        }
    };
}

macro_rules! constructor {
    ($(#[$doc:meta])* $method:ident, $kind:ident, $config:ident, |$cx:ident: $context:ty|) => {
        $(#[$doc])*
        pub const fn $method<C: $config>(
            name: &'static str,
            about: &'static str,
            package: &'static str,
        ) -> Self {
            Self {
                kind: Kind::$kind,
                name,
                about,
                package,
                schema: schema::of::<C>,
                resolve: resolve_value::<C>,
                build: Build::$kind(|value, $cx| schema::parse::<C>(value)?.build($cx)),
            }
        }
    };
    ($(#[$doc:meta])* $method:ident, $kind:ident, $config:ident) => {
        $(#[$doc])*
        pub const fn $method<C: $config>(
            name: &'static str,
            about: &'static str,
            package: &'static str,
        ) -> Self {
            Self {
                kind: Kind::$kind,
                name,
                about,
                package,
                schema: schema::of::<C>,
                resolve: resolve_value::<C>,
                build: Build::$kind(|value| schema::parse::<C>(value)?.build()),
            }
        }
    };
}

impl Plugin {
    constructor!(
        /// A model plugin; use [`register!`](crate::register).
        model, Model, ModelConfig, |cx: &ModelContext|
    );
    constructor!(
        /// A data set plugin; use [`register!`](crate::register).
        dataset, Dataset, DatasetConfig, |cx: &DataContext|
    );
    constructor!(
        /// An augmentation plugin; use [`register!`](crate::register).
        augmentation, Augmentation, AugmentationConfig, |cx: &AugmentationContext|
    );
    constructor!(
        /// An optimiser plugin; use [`register!`](crate::register).
        optimiser, Optimiser, OptimiserConfig, |parameters: &[Parameter]|
    );
    constructor!(
        /// A schedule plugin; use [`register!`](crate::register).
        schedule, Schedule, ScheduleConfig
    );
    constructor!(
        /// A metric plugin; use [`register!`](crate::register).
        metric, Metric, MetricConfig
    );
    constructor!(
        /// A launcher plugin; use [`register!`](crate::register).
        launcher, Launcher, LauncherConfig
    );

    /// Every key of the config, in the order of its struct.
    pub fn keys(&self) -> Vec<Key> {
        schema::keys((self.schema)())
    }

    /// The config with every default filled in.
    ///
    /// # Errors
    /// An unknown key (the nearest known one is suggested) or a value of the
    /// wrong type; the error names the key.
    pub fn resolve(&self, config: &Value) -> Result<Value> {
        (self.resolve)(config)
    }

    fn mismatch(&self) -> Error {
        Error::Other(format!("`{}` is a {}", self.name, self.kind))
    }

    pub(crate) fn build_model(&self, config: &Value, cx: &ModelContext) -> Result<Box<dyn Model>> {
        match self.build {
            Build::Model(build) => build(config, cx),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_dataset(
        &self,
        config: &Value,
        cx: &DataContext,
    ) -> Result<Box<dyn Dataset>> {
        match self.build {
            Build::Dataset(build) => build(config, cx),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_augmentation(
        &self,
        config: &Value,
        cx: &AugmentationContext,
    ) -> Result<Box<dyn Augmentation>> {
        match self.build {
            Build::Augmentation(build) => build(config, cx),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_optimiser(
        &self,
        config: &Value,
        parameters: &[Parameter],
    ) -> Result<Box<dyn Optimiser>> {
        match self.build {
            Build::Optimiser(build) => build(config, parameters),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_schedule(&self, config: &Value) -> Result<Box<dyn Schedule>> {
        match self.build {
            Build::Schedule(build) => build(config),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_metric(&self, config: &Value) -> Result<Box<dyn Metric>> {
        match self.build {
            Build::Metric(build) => build(config),
            _ => Err(self.mismatch()),
        }
    }

    pub(crate) fn build_launcher(&self, config: &Value) -> Result<Box<dyn Launcher>> {
        match self.build {
            Build::Launcher(build) => build(config),
            _ => Err(self.mismatch()),
        }
    }
}

fn resolve_value<C: PluginConfig>(value: &Value) -> Result<Value> {
    serde_json::to_value(schema::resolve::<C>(value)?)
        .map_err(|error| Error::Other(format!("the config cannot be written back: {error}")))
}
