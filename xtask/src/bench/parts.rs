//! The parts of a training step, and what follows from them.

use ablate_core::Precision;
use serde::{Deserialize, Serialize};

use super::measure::Spread;
use super::network::Network;

/// A training step in one precision, part by part: medians in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    pub network: Network,
    pub precision: Precision,
    pub batch: usize,
    /// Multiply-adds a second of the fastest matrix product in the same process.
    pub roof: f64,
    /// In the order of the network.
    pub layers: Vec<LayerPart>,
    /// The loss without its gradient.
    pub loss: f64,
    /// The update of the weights.
    pub update: f64,
    /// Of each step, what the other parts leave.
    pub rest: f64,
    /// The step itself.
    pub whole: Spread,
}

/// One layer's part of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerPart {
    pub name: String,
    /// What it is: `conv 11x11/4`, `max-pool 3/2`.
    pub operation: String,
    /// Of the batch, forward and backward; 0 where nothing is multiplied.
    pub multiply_adds: f64,
    pub forward: f64,
    pub backward: f64,
}

/// The time of some layers, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayerSum {
    pub forward: f64,
    pub backward: f64,
}

impl LayerPart {
    /// Whether it multiplies matrices, and so obeys the precision.
    pub fn is_matrix(&self) -> bool {
        self.multiply_adds > 0.0
    }
}

impl LayerSum {
    /// Forward and backward.
    pub fn both(self) -> f64 {
        self.forward + self.backward
    }
}

impl Parts {
    /// The layers that multiply matrices, or the others, together.
    pub fn layers_where(&self, is_matrix: bool) -> LayerSum {
        let layers = self.layers.iter();
        layers.filter(|layer| layer.is_matrix() == is_matrix).fold(
            LayerSum::default(),
            |sum, layer| LayerSum {
                forward: sum.forward + layer.forward,
                backward: sum.backward + layer.backward,
            },
        )
    }

    /// The part of the step that multiplies matrices, 0..1.
    pub fn matrix_share(&self) -> f64 {
        self.layers_where(true).both() / self.whole.median
    }

    /// Multiply-adds of the step.
    pub fn multiply_adds(&self) -> f64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }
}
