//! Networks from images to class logits.

use candle_core::Tensor;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use crate::{Error, Pass, PluginConfig, Result};

/// A classifier.
pub trait Model: Send + Sync {
    /// Logits `[N, classes]` for images `[N, C, H, W]`.
    ///
    /// # Errors
    /// The images do not have the shape the model was built for.
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Tensor>;

    /// The last hidden features `[N, F]`, for retrieval (paper, section 6.1).
    /// `None` where the model has none. Computed in float32 whatever the trial's
    /// precision, so that features of all trials can be compared.
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

    /// Spreads the network over `workers`, each with a share of the threads
    /// (paper, section 3.2), or with 1 brings it together again. No bit of any
    /// result may change: `[machine]` decides this, outside a trial's hash.
    ///
    /// # Errors
    /// The network cannot be shared by so many; the error names the key of the
    /// model that decides it.
    fn place(&mut self, workers: usize) -> Result<()> {
        match workers {
            1 => Ok(()),
            _ => Err(Error::Other(format!(
                "this model cannot be shared by {workers} workers\n  fix: set machine.workers = 1"
            ))),
        }
    }

    /// What workers handed each other in training since this was last asked;
    /// `None` where nothing is shared.
    fn take_exchanged(&self) -> Option<Exchanged> {
        None
    }

    /// The name of the first convolution's weight `[O, C, kH, kW]`, which the
    /// runner shows as a picture (paper, Fig. 3).
    fn first_convolution(&self) -> Option<String> {
        None
    }

    /// How many towers the first convolution's kernels lie in, tower after tower
    /// in equal parts (paper, section 3.2).
    fn towers(&self) -> usize {
        1
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

impl LayerSummary {
    /// Neurons as the paper counts them (section 3.5): the outputs of a layer that
    /// has weights. Pooling, normalisation and dropout have none.
    pub fn neurons(&self) -> usize {
        match self.parameters {
            0 => 0,
            _ => self.output.iter().product(),
        }
    }

    /// Bytes of its float32 output for `batch` images.
    pub fn activation_bytes(&self, batch: usize) -> u64 {
        let values: usize = self.output.iter().product();
        values as u64 * batch as u64 * size_of::<f32>() as u64
    }
}

impl ModelSummary {
    /// Neurons of all layers.
    pub fn neurons(&self) -> usize {
        self.layers.iter().map(LayerSummary::neurons).sum()
    }

    /// Multiply-adds of one image's forward pass.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// Bytes of every layer's float32 output for `batch` images, all held at once.
    pub fn activation_bytes(&self, batch: usize) -> u64 {
        let layers = self.layers.iter();
        layers.map(|layer| layer.activation_bytes(batch)).sum()
    }
}

/// What workers that share a network handed each other, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// Activations, in forward passes.
    pub forward: u64,
    /// Gradients, in backward passes.
    pub backward: u64,
}

impl Exchanged {
    /// The mean over `steps`, in whole bytes.
    pub fn per_step(self, steps: usize) -> Self {
        let steps = steps.max(1) as u64;
        Self {
            forward: self.forward / steps,
            backward: self.backward / steps,
        }
    }
}

impl std::ops::AddAssign for Exchanged {
    fn add_assign(&mut self, other: Self) {
        self.forward += other.forward;
        self.backward += other.backward;
    }
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
