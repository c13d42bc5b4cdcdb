//! The four-layer network of the paper's Figure 1 and section 3.3, as the
//! plugin `convnet`: three convolutions and a linear layer for 32x32 images,
//! after the example networks of cuda-convnet, whose max-pooling throughout and
//! single linear layer it takes from `layers-18pct.cfg`. This crate knows nothing
//! of training.

mod config;

use ablate_core::{Model, ModelConfig, ModelContext, Result};
use ablate_nn::{Conv2d, LayerInit, MaxPool2d, StackBuilder};

pub use config::{ConvNet, Init, Pooling, ResponseNorm};

ablate_core::register!(
    model,
    "convnet",
    ConvNet,
    "the four-layer CIFAR-10 network of Figure 1 and section 3.3"
);

/// The layers for `classes` classes.
#[rustfmt::skip]
pub fn layers(config: &ConvNet, classes: usize) -> StackBuilder {
    let [f1, f2, f3] = config.filters;
    let act = config.activation.into();
    let norm = config.lrn.layer();
    let pool = match config.pooling {
        Pooling::Overlapping =>    MaxPool2d { size: 3, stride: 2, padding: 1 },
        Pooling::NonOverlapping => MaxPool2d { size: 2, stride: 2, padding: 0 },
    };
    let conv = |kernels| Conv2d { kernels, size: 5, stride: 1, padding: 2, groups: 1 };
    let init = |deviation| match config.init {
        Init::CudaConvnet => LayerInit::Normal { deviation, bias: 0.0 },
        Init::Pytorch => LayerInit::FanIn,
        Init::He => LayerInit::He,
    };

    StackBuilder::default()
        .conv2d("features.0", conv(f1), init(0.0001)).activation(act).local_response_norm(norm).max_pool2d(pool)
        .conv2d("features.4", conv(f2), init(0.01)).activation(act).local_response_norm(norm).max_pool2d(pool)
        .conv2d("features.8", conv(f3), init(0.01)).activation(act).max_pool2d(pool)
        .flatten()
        .features()
        .dropout("dropout", config.dropout)
        .linear("classifier.0", classes, init(0.01))
}

impl ModelConfig for ConvNet {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        self.check()?;
        let stack = layers(self, cx.classes).build(cx.input, &cx.parameters)?;
        Ok(Box::new(stack))
    }
}
