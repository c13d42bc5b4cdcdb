//! What an experiment can change about the network.

use ablate_nn::config::{Convention, Nonlinearity};
use ablate_ops::Lrn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The config of the plugin `alexnet`. Every default is the paper's.
///
/// `preset` decides what the keys that are not given start from, see
/// [`Preset`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
// `remote = "Self"` makes the derived code inherent, for `preset` to wrap.
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct AlexNet {
    /// Which network the keys that are not given describe: the paper's, or the
    /// ungrouped variant `seed` with 64-192-384-256-256 kernels of 11x11 and
    /// 5x5, PyTorch's response normalisation (sizes 11 and 5) and default
    /// initialisation, and one dropout before the first linear layer.
    pub preset: Preset,

    /// The non-linearity after every layer but the last.
    /// Source: section 3.1
    pub activation: Nonlinearity,

    /// GPUs the network is laid out for. 2: two towers, where conv2, conv4 and
    /// conv5 see the kernels of their own tower only. 1: one tower, with half
    /// the kernels in conv1 to conv4, so that the parameter counts nearly match.
    /// Source: section 3.2
    pub gpus: usize,

    /// How the towers of a network for two GPUs are computed. `joint`: as one,
    /// where response normalisation sums across their border. `separate`: as on
    /// two GPUs, where each tower normalises its own maps and gradients from
    /// both are added up tower by tower; `machine.workers` = 2 then gives each a
    /// worker.
    /// Source: section 3.2
    pub towers: Towers,

    /// Local response normalisation after conv1 and conv2.
    pub lrn: ResponseNorm,

    /// Max-pooling after conv1, conv2 and conv5: `overlapping` windows of 3
    /// with stride 2, or `non_overlapping` windows of 2 with stride 2.
    /// Source: section 3.4
    pub pooling: Pooling,

    /// Fraction of values dropped in training; 0 turns dropout off.
    /// Source: section 4.2
    pub dropout: f64,

    /// What dropout drops: the outputs of the two `hidden` linear layers, or
    /// the flattened `maps` before the first of them.
    /// Source: section 4.2
    pub dropout_at: DropoutPlace,

    /// How parameters start. `paper`: normal weights, biases 1 in conv2, conv4,
    /// conv5 and the hidden linear layers, else 0. `zero_biases`: the same
    /// weights, every bias 0. `pytorch`: uniform in +-1/sqrt(fan-in). `he`: weights
    /// from N(0, 2/fan-in), biases 0, from which narrow networks train too.
    /// Source: section 5
    pub init: Init,

    /// Standard deviation of the normal weights of `paper` and `zero_biases`. A
    /// network with a fraction `width` of the kernels sums over as many fewer
    /// inputs; 0.01 / sqrt(width) keeps its sums as large as the paper's.
    /// Source: section 5
    pub deviation: f64,

    /// Convolutional layers to leave out; response normalisation goes with its
    /// layer, pooling stays. Without conv1 the first layer left sees the image
    /// at stride 1.
    /// Source: section 7
    pub remove: Vec<ConvLayer>,

    /// Kernels of conv1 to conv5, as built. Not given: 96-256-384-384-256 on
    /// two GPUs, 48-128-192-192-256 on one.
    /// Source: section 3.5
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernels: Option<[usize; 5]>,

    /// Height and width of the kernels of conv2 to conv5; odd.
    /// Source: section 3.5
    pub sizes: [usize; 4],

    /// conv1's kernels. The paper's stem takes 224x224 images to 55x55; for
    /// 64x64 use size 7, stride 2, padding 3, for 32x32 size 5, stride 1,
    /// padding 2.
    pub stem: Stem,

    /// Units of each of the two hidden linear layers.
    /// Source: section 3.5
    pub hidden: usize,

    /// Factor on all kernels and hidden units, for small machines. Kernels are
    /// rounded to an even number, so that they divide among two towers.
    pub width: f64,
}

/// What the keys that are not given start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The paper's network: 60,965,224 parameters for 1000 classes.
    #[default]
    Paper,
    /// An ungrouped variant: 60,829,510 parameters for 6 classes.
    Seed,
}

/// How the towers of a network for two GPUs are computed (paper, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Towers {
    /// As one network with grouped convolutions; response normalisation sums
    /// across the border.
    #[default]
    Joint,
    /// Each for itself, with its own response normalisation.
    Separate,
}

/// How a max-pooling's windows lie (paper, section 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Windows of 3 with stride 2.
    #[default]
    Overlapping,
    /// Windows of 2 with stride 2.
    NonOverlapping,
}

/// What dropout drops (paper, section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropoutPlace {
    /// The outputs of the first two fully connected layers.
    #[default]
    Hidden,
    /// The input of the first fully connected layer.
    Maps,
}

/// How parameters start (paper, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Normal weights, biases 1 in conv2, conv4, conv5 and the hidden linear
    /// layers, else 0.
    #[default]
    Paper,
    /// Normal weights, biases 0.
    ZeroBiases,
    /// Weights and biases uniform in ±1/√fan-in.
    Pytorch,
    /// Weights from N(0, 2/fan-in), biases 0.
    He,
}

/// One of the five convolutional layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ConvLayer {
    Conv1,
    Conv2,
    Conv3,
    Conv4,
    Conv5,
}

impl ConvLayer {
    /// All five, from the image on.
    pub const ALL: [Self; 5] = [
        Self::Conv1,
        Self::Conv2,
        Self::Conv3,
        Self::Conv4,
        Self::Conv5,
    ];
}

/// conv1, the layer that makes maps of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stem {
    /// Height and width of conv1's kernels.
    /// Source: section 3.5
    pub size: usize,
    /// Step between neighbouring outputs of conv1.
    /// Source: section 3.5
    pub stride: usize,
    /// Zeros around the image. The paper names none, but its maps of 55x55
    /// need 2 at 224x224.
    pub padding: usize,
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
    /// Neighbouring channels summed over, after conv1 and after conv2.
    /// Source: section 3.3
    pub sizes: [usize; 2],
    /// The constant k.
    /// Source: section 3.3
    pub k: f64,
    /// The factor alpha on the squares.
    /// Source: section 3.3
    pub alpha: f64,
    /// The exponent beta.
    /// Source: section 3.3
    pub beta: f64,
    /// What alpha multiplies: the `sum` of squares, as in the paper, or their
    /// `mean`, as in PyTorch.
    /// Source: section 3.3
    pub convention: Convention,
}

impl Default for AlexNet {
    fn default() -> Self {
        Self {
            preset: Preset::Paper,
            activation: Nonlinearity::Relu,
            gpus: 2,
            towers: Towers::Joint,
            lrn: ResponseNorm::default(),
            pooling: Pooling::Overlapping,
            dropout: 0.5,
            dropout_at: DropoutPlace::Hidden,
            init: Init::Paper,
            deviation: 0.01,
            remove: Vec::new(),
            kernels: None,
            sizes: [5, 3, 3, 3],
            stem: Stem::default(),
            hidden: 4096,
            width: 1.0,
        }
    }
}

impl Default for Stem {
    fn default() -> Self {
        Self {
            size: 11,
            stride: 4,
            padding: 2,
        }
    }
}

impl Default for ResponseNorm {
    fn default() -> Self {
        Self {
            enabled: true,
            sizes: [5, 5],
            k: 2.0,
            alpha: 1e-4,
            beta: 0.75,
            convention: Convention::Sum,
        }
    }
}

impl AlexNet {
    /// Kernels of conv1 to conv5, `width` applied.
    pub fn kernels_per_layer(&self) -> [usize; 5] {
        let full = self.kernels.unwrap_or(match self.gpus {
            1 => [48, 128, 192, 192, 256],
            _ => [96, 256, 384, 384, 256],
        });
        if self.width == 1.0 {
            return full;
        }
        full.map(|kernels| {
            let half = (kernels as f64 * self.width / 2.0).round() as usize;
            half.max(1).saturating_mul(2)
        })
    }

    /// Towers that run apart.
    pub fn separate_towers(&self) -> usize {
        match self.towers {
            Towers::Joint => 1,
            Towers::Separate => self.gpus,
        }
    }

    /// Units of each hidden linear layer, `width` applied.
    pub fn hidden_units(&self) -> usize {
        ((self.hidden as f64 * self.width).round() as usize).max(1)
    }
}

impl ResponseNorm {
    /// The normalisation after conv1 (`index` 0) or conv2 (1), if there is any.
    pub fn after(&self, index: usize) -> Option<Lrn> {
        self.enabled.then_some(Lrn {
            size: self.sizes[index],
            alpha: self.alpha,
            beta: self.beta,
            k: self.k,
            convention: self.convention.into(),
        })
    }
}
