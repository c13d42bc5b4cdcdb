//! Config values that more than one model plugin has.

use ablate_ops::{Activation, AlphaConvention};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most kernels or units of a layer, far beyond any network. Weights of so many fit
/// into an address space, so what the layers refuse then is the images.
pub const MOST_OUTPUTS: usize = 1 << 16;

/// The non-linearity of a network's neurons (paper, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nonlinearity {
    /// max(0, x).
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl From<Nonlinearity> for Activation {
    fn from(function: Nonlinearity) -> Self {
        match function {
            Nonlinearity::Relu => Self::Relu,
            Nonlinearity::Tanh => Self::Tanh,
        }
    }
}

/// What alpha multiplies in local response normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// The sum of squares, as in the paper (section 3.3) and cuda-convnet.
    #[default]
    Sum,
    /// The mean of squares over the window's size, as in PyTorch.
    Mean,
}

impl From<Convention> for AlphaConvention {
    fn from(convention: Convention) -> Self {
        match convention {
            Convention::Sum => Self::Paper,
            Convention::Mean => Self::DividedBySize,
        }
    }
}
