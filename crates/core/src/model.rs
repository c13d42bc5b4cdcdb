//! Networks from images to class logits.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::{Pass, PluginConfig, Result};

/// A classifier.
pub trait Model: Send + Sync {
    /// Logits `[N, classes]` for images `[N, C, H, W]`.
    ///
    /// # Errors
    /// The images do not have the shape the model was built for.
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Tensor>;

    /// The last hidden features `[N, F]`, for retrieval (paper, section 6.1).
    /// `None` where the model has none.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    fn features(&self, images: &Tensor) -> Result<Option<Tensor>> {
        let _ = images;
        Ok(None)
    }

    /// Layer by layer: shapes, parameters, cost. Empty where the model does not say.
    fn summary(&self) -> ModelSummary {
        ModelSummary::default()
    }

    /// The name of the first convolution's weight `[O, C, kH, kW]`, which the
    /// runner shows as a picture (paper, Fig. 3).
    fn first_convolution(&self) -> Option<String> {
        None
    }
}

/// What a network is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSummary {
    /// The layers in order.
    pub layers: Vec<LayerSummary>,
}

/// One layer of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// Its parameters' prefix, or a number where it has none.
    pub name: String,
    /// What it is: `conv 11x11/4`, `max-pool 3/2`.
    pub operation: String,
    /// Output shape of one image.
    pub output: Vec<usize>,
    /// Learned numbers.
    pub parameters: usize,
    /// Multiply-adds of one image's forward pass.
    pub multiply_adds: u64,
}

/// What a model is built from.
pub struct ModelContext<'a> {
    /// Shape `[C, H, W]` of the images it will see.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Where its parameters come from: seeded initialisation or a checkpoint.
    pub parameters: VarBuilder<'a>,
}

/// The config of a model plugin.
pub trait ModelConfig: PluginConfig {
    /// Builds the network and its parameters.
    ///
    /// # Errors
    /// A value out of range, or an input too small for the layers.
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>>;
}
