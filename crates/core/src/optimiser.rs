//! From gradients to new parameters.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::{Gradients, Parameter, PluginConfig, Result};

/// An optimiser's state by name, as a checkpoint stores it.
pub type State = BTreeMap<String, Tensor>;

/// An update rule over a fixed list of parameters.
pub trait Optimiser: Send {
    /// The configured learning rate; a schedule multiplies it.
    fn learning_rate(&self) -> f64;

    /// Updates every parameter in place at learning rate `lr`.
    ///
    /// # Errors
    /// A gradient whose shape is not its parameter's.
    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()>;

    /// Everything beyond the parameters that the next step depends on.
    ///
    /// # Errors
    /// A tensor operation failed.
    fn state(&self) -> Result<State>;

    /// Restores what [`state`](Self::state) returned.
    ///
    /// # Errors
    /// A tensor is missing or has another shape.
    fn load_state(&mut self, state: &State) -> Result<()>;
}

/// The config of an optimiser plugin.
pub trait OptimiserConfig: PluginConfig {
    /// Builds the optimiser over `parameters`.
    ///
    /// # Errors
    /// A value out of range.
    fn build(&self, parameters: &[Parameter]) -> Result<Box<dyn Optimiser>>;
}
