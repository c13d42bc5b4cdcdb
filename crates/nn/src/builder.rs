//! The declarative table of a network: one readable line a layer.

use ablate_core::Result;
use ablate_ops::{Activation, Lrn};
use candle_nn::VarBuilder;

use crate::layer::Layer;
use crate::{Conv2d, LayerInit, MaxPool2d, Stack, shapes};

/// A network written down layer by layer. Nothing is checked or allocated
/// before [`build`](Self::build), so a table reads without error handling.
///
/// ```
/// use ablate_core::{Parameters, Stream};
/// use ablate_nn::{Conv2d, LayerInit, MaxPool2d, StackBuilder};
/// use ablate_ops::Activation;
/// use candle_core::{DType, Device};
///
/// let init = LayerInit::Normal { deviation: 0.01, bias: 0.0 };
/// let parameters = Parameters::new(Stream::new(0));
/// let net = StackBuilder::default()
///     .conv2d("features.0", Conv2d { kernels: 8, size: 5, stride: 1, padding: 2, groups: 1 }, init)
///     .activation(Activation::Relu)
///     .max_pool2d(MaxPool2d { size: 3, stride: 2, padding: 0 })
///     .flatten()
///     .linear("classifier.0", 10, init)
///     .build([3, 32, 32], &parameters.builder(DType::F32, &Device::Cpu))?;
/// assert_eq!(parameters.count(), 8 * 75 + 8 + 8 * 15 * 15 * 10 + 10);
/// println!("{:?}", net.summary());
/// # Ok::<(), ablate_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StackBuilder {
    layers: Vec<Layer>,
    towers: usize,
}

impl Default for StackBuilder {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            towers: 1,
        }
    }
}

impl StackBuilder {
    /// Lays the network out for `count` towers that hand each other their values
    /// only before a layer that sees all of them, a convolution without groups or a
    /// linear layer; [`Stack::place`] can then give each a worker (paper, section
    /// 3.2). Response normalisation sums over a tower's own maps.
    pub fn towers(mut self, count: usize) -> Self {
        self.towers = count;
        self
    }

    /// A convolution with a bias; `name` is its parameters' prefix.
    pub fn conv2d(self, name: impl Into<String>, conv: Conv2d, init: LayerInit) -> Self {
        let name = name.into();
        self.push(Layer::Conv2d { name, conv, init })
    }

    /// A linear layer with a bias over flat features; `name` is its
    /// parameters' prefix.
    pub fn linear(self, name: impl Into<String>, outputs: usize, init: LayerInit) -> Self {
        let name = name.into();
        self.push(Layer::Linear {
            name,
            outputs,
            init,
        })
    }

    /// A pointwise non-linearity; fused into the layer before it.
    pub fn activation(self, activation: Activation) -> Self {
        self.push(Layer::Activation(activation))
    }

    /// Local response normalisation across channels; `None` leaves it out.
    pub fn local_response_norm(self, lrn: impl Into<Option<Lrn>>) -> Self {
        match lrn.into() {
            Some(lrn) => self.push(Layer::LocalResponseNorm(lrn)),
            None => self,
        }
    }

    /// Max-pooling; `None` leaves it out.
    pub fn max_pool2d(self, pool: impl Into<Option<MaxPool2d>>) -> Self {
        match pool.into() {
            Some(pool) => self.push(Layer::MaxPool2d(pool)),
            None => self,
        }
    }

    /// Dropout of a fraction `rate` in training; 0 leaves it out. `name` names
    /// the random stream of its masks.
    pub fn dropout(self, name: impl Into<String>, rate: f64) -> Self {
        if rate == 0.0 {
            return self;
        }
        let name = name.into();
        self.push(Layer::Dropout { name, rate })
    }

    /// From maps `[C, H, W]` to flat features `[C * H * W]`.
    pub fn flatten(self) -> Self {
        self.push(Layer::Flatten)
    }

    /// Marks the values here as what [`Stack::features`] returns.
    pub fn features(self) -> Self {
        self.push(Layer::Features)
    }

    /// Applies `more` where `condition` holds: an optional part of a network.
    pub fn when(self, condition: bool, more: impl FnOnce(Self) -> Self) -> Self {
        if condition { more(self) } else { self }
    }

    /// Checks every shape for images `[C, H, W]` and takes the parameters,
    /// `NAME.weight` and `NAME.bias`, from `parameters`.
    ///
    /// # Errors
    /// A layer that does not fit what reaches it, or does not divide among the
    /// towers; the error names the layer and the fix.
    pub fn build(self, input: [usize; 3], parameters: &VarBuilder) -> Result<Stack> {
        let resolved = shapes::resolve(&self.layers, input, self.towers, parameters)?;
        Stack::new(resolved, input)
    }

    fn push(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }
}
