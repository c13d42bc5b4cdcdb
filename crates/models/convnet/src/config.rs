//! What an experiment can change about the network.

use ablate_core::{Error, Result};
use ablate_nn::config::{Convention, MOST_OUTPUTS, Nonlinearity};
use ablate_ops::Lrn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The config of the plugin `convnet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvNet {
    /// The non-linearity after every convolution.
    /// Source: section 3.1
    pub activation: Nonlinearity,

    /// Local response normalisation after the first two convolutions.
    pub lrn: ResponseNorm,

    /// Kernels of each convolution, 5x5 with stride 1.
    /// Source: cuda-convnet, layers-18pct.cfg
    pub filters: [usize; 3],

    /// Max-pooling after every convolution: `overlapping` windows of 3 with
    /// stride 2, or `non_overlapping` windows of 2 with stride 2.
    /// Source: section 3.4
    pub pooling: Pooling,

    /// Fraction of the values before the linear layer dropped in training; 0
    /// turns dropout off.
    pub dropout: f64,

    /// How parameters start. `cuda_convnet`: weights from N(0, 0.0001) in the
    /// first layer, which suits pixels of 0 to 255 less their mean, and N(0, 0.01)
    /// in the others, biases 0. `pytorch`: uniform in +-1/sqrt(fan-in). `he`: weights
    /// from N(0, 2/fan-in), biases 0.
    /// Source: cuda-convnet, layers-18pct.cfg
    pub init: Init,
}

/// How a max-pooling's windows lie (paper, section 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Windows of 3 with stride 2 and padding 1.
    #[default]
    Overlapping,
    /// Windows of 2 with stride 2.
    NonOverlapping,
}

/// How parameters start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Normal weights, deviation 0.0001 in the first layer and 0.01 in the
    /// others, biases 0.
    #[default]
    CudaConvnet,
    /// Weights and biases uniform in ±1/√fan-in.
    Pytorch,
    /// Weights from N(0, 2/fan-in), biases 0.
    He,
}

/// Local response normalisation: each value is divided by
/// (k + alpha * S)^beta, where S sums the squares of `size` neighbouring
/// channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseNorm {
    /// Whether responses are normalised at all.
    /// Source: section 3.3
    pub enabled: bool,
    /// Neighbouring channels summed over.
    /// Source: cuda-convnet, layers-18pct.cfg
    pub size: usize,
    /// The constant k.
    /// Source: cuda-convnet
    pub k: f64,
    /// The factor alpha on the squares.
    /// Source: cuda-convnet, layer-params-18pct.cfg
    pub alpha: f64,
    /// The exponent beta.
    /// Source: section 3.3
    pub beta: f64,
    /// What alpha multiplies: the `sum` of squares, as in the paper, or their
    /// `mean`, as in PyTorch.
    /// Source: section 3.3
    pub convention: Convention,
}

impl Default for ConvNet {
    fn default() -> Self {
        Self {
            activation: Nonlinearity::Relu,
            lrn: ResponseNorm::default(),
            filters: [32, 32, 64],
            pooling: Pooling::Overlapping,
            dropout: 0.0,
            init: Init::CudaConvnet,
        }
    }
}

impl Default for ResponseNorm {
    fn default() -> Self {
        Self {
            enabled: false,
            size: 3,
            k: 1.0,
            alpha: 5e-5,
            beta: 0.75,
            convention: Convention::Sum,
        }
    }
}

impl ResponseNorm {
    /// The normalisation layer, if there is any.
    pub fn layer(&self) -> Option<Lrn> {
        self.enabled.then_some(Lrn {
            size: self.size,
            alpha: self.alpha,
            beta: self.beta,
            k: self.k,
            convention: self.convention.into(),
        })
    }
}

impl ConvNet {
    /// # Errors
    /// The first key whose value is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        for (layer, filters) in self.filters.into_iter().enumerate() {
            if !(1..=MOST_OUTPUTS).contains(&filters) {
                return Err(Error::bad_value(
                    format!("filters.{layer}"),
                    format!("a convolution cannot have {filters} kernels"),
                    format!("give 1 to {MOST_OUTPUTS}; the default is [32, 32, 64]"),
                ));
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::bad_value(
                "dropout",
                format!("cannot drop a fraction {}", self.dropout),
                "give a number from 0 to below 1; 0 turns dropout off",
            ));
        }
        let lrn = &self.lrn;
        if lrn.enabled && (lrn.size == 0 || lrn.k <= 0.0 || lrn.alpha < 0.0 || lrn.beta < 0.0) {
            return Err(Error::bad_value(
                "lrn",
                "size and k must be positive, alpha and beta not negative, or the divisor may \
                 vanish",
                "the defaults are size = 3, k = 1, alpha = 5e-5, beta = 0.75",
            ));
        }
        Ok(())
    }
}
