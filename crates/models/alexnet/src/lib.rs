//! The network of Krizhevsky, Sutskever and Hinton (2012), as the plugin
//! `alexnet`.
//!
//! [`net`] is the network on one page, to be read next to the paper;
//! [`AlexNet`] is what an experiment can change about it. This crate knows
//! nothing of training.

mod checks;
mod config;
pub mod net;
mod preset;

use ablate_core::{Error, Exchanged, Model, ModelConfig, ModelContext, ModelSummary, Pass, Result};
use ablate_nn::Stack;
use candle_core::Tensor;

pub use config::{
    AlexNet, ConvLayer, DropoutPlace, Init, Pooling, Preset, ResponseNorm, Stem, Towers,
};

ablate_core::register!(
    model,
    "alexnet",
    AlexNet,
    "the paper's network (sections 3 to 5) with a switch for each of its choices"
);

/// A built AlexNet.
struct Network {
    stack: Stack,
    config: AlexNet,
}

impl ModelConfig for AlexNet {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        self.check()?;
        self.check_towers(cx.classes)?;
        let stack = net::layers(self, cx.classes)
            .build(cx.input, &cx.parameters)
            .map_err(|error| too_small(error, cx.input))?;
        let config = self.clone();
        Ok(Box::new(Network { stack, config }))
    }
}

impl Model for Network {
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Tensor> {
        Ok(self.stack.forward(images, pass)?)
    }

    fn features(&self, images: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.stack.features(images)?)
    }

    fn summary(&self) -> ModelSummary {
        self.stack.summary()
    }

    fn place(&mut self, workers: usize) -> Result<()> {
        self.config.check_workers(workers)?;
        self.stack.place(workers)
    }

    fn take_exchanged(&self) -> Option<Exchanged> {
        self.stack.take_exchanged()
    }

    fn first_convolution(&self) -> Option<String> {
        self.stack.first_convolution()
    }

    fn towers(&self) -> usize {
        self.config.gpus
    }
}

/// Says in terms of the config that the layers do not fit the images.
fn too_small(error: Error, [channels, height, width]: [usize; 3]) -> Error {
    match error {
        Error::BadValue { key, problem, .. } => Error::bad_value(
            "stem",
            format!("{channels}x{height}x{width} images do not fit `{key}`: {problem}"),
            "for 32x32 images set stem = { size = 5, stride = 1, padding = 2 }, for 64x64 \
             stem = { size = 7, stride = 2, padding = 3 }; or use larger images",
        ),
        other => other,
    }
}
