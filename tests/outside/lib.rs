//! One plugin of each kind, written as an outside crate would write it: with
//! `ablate-core`, candle and serde, and nothing of the runner.

mod launcher;
mod templates;

use std::collections::BTreeMap;
use std::time::Duration;

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, DataContext, Dataset, DatasetConfig,
    DatasetInfo, EpochRecord, Error, Gradients, Image, Metric, MetricConfig, Model, ModelConfig,
    ModelContext, Optimiser, OptimiserConfig, Parameter, Pass, Phase, Progress, Result, Schedule,
    ScheduleConfig, Split, State, Stream, register,
};
use candle_core::Tensor;
use candle_nn::{Linear, Module};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Softmax regression on the raw pixels.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Regression {
    /// Whether the classes have a bias.
    bias: bool,
}

impl ModelConfig for Regression {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        let inputs = cx.input.iter().product();
        let layer = cx.parameters.pp("classifier");
        let linear = match self.bias {
            true => candle_nn::linear(inputs, cx.classes, layer)?,
            false => candle_nn::linear_no_bias(inputs, cx.classes, layer)?,
        };
        Ok(Box::new(RegressionModel(linear)))
    }
}

struct RegressionModel(Linear);

impl Model for RegressionModel {
    fn forward(&self, images: &Tensor, _: &Pass) -> Result<Tensor> {
        Ok(self.0.forward(&images.flatten_from(1)?)?)
    }
}

register!(
    model,
    "regression",
    Regression,
    "softmax regression on raw pixels"
);

/// Stripes of one direction a class.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Stripes {
    /// Training images; a quarter as many serve for validation.
    images: usize,
    /// An image that cannot be read; absent: all can.
    damaged: Option<usize>,
}

impl Default for Stripes {
    fn default() -> Self {
        Self {
            images: 64,
            damaged: None,
        }
    }
}

impl DatasetConfig for Stripes {
    fn build(&self, _: &DataContext) -> Result<Box<dyn Dataset>> {
        if self.images < 4 {
            return Err(Error::bad_value(
                "images",
                "too few for both splits",
                "give 4 or more",
            ));
        }
        let info = DatasetInfo {
            description: "Stripes, drawn by a test plugin".to_string(),
            shape: [3, 8, 8],
            classes: ["horizontal", "vertical"].map(String::from).to_vec(),
        };
        Ok(Box::new(StripedImages {
            info,
            images: self.images,
            damaged: self.damaged,
        }))
    }
}

struct StripedImages {
    info: DatasetInfo,
    images: usize,
    damaged: Option<usize>,
}

impl Dataset for StripedImages {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.images,
            Split::Validation => self.images / 4,
        }
    }

    fn read(&self, _: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        if self.damaged == Some(index) {
            return Err(Error::Other(format!("image {index} cannot be read")));
        }
        let label = index % 2;
        let noise = Stream::new(0).named("stripes").at(index).key();
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (y, x) = (at / 8 % 8, at % 8);
            let bright = if label == 0 { y % 2 } else { x % 2 };
            *pixel = (bright * 200) as u8 + (noise >> (at % 60) & 31) as u8;
        }
        Ok(label as u32)
    }
}

register!(
    dataset,
    "stripes",
    Stripes,
    "horizontal and vertical stripes"
);

/// Maps 0..255 to 1..0.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Negative {
    /// Milliseconds that it takes over a training image, as if the work were hard.
    delay: u64,
}

impl AugmentationConfig for Negative {
    fn build(&self, _: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        Ok(Box::new(self.clone()))
    }
}

impl Augmentation for Negative {
    fn apply(
        &self,
        image: &mut Image,
        phase: Phase,
        _: &mut rand_chacha::ChaCha8Rng,
    ) -> Result<()> {
        if phase == Phase::Train {
            std::thread::sleep(Duration::from_millis(self.delay));
        }
        image
            .data
            .iter_mut()
            .for_each(|value| *value = 1.0 - *value / 255.0);
        Ok(())
    }

    fn rescales(&self) -> bool {
        true
    }
}

register!(
    augmentation,
    "negative",
    Negative,
    "the negative, scaled to 0..1"
);

/// Descent by the gradient's sign.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SignDescent {
    /// Step size.
    lr: f64,
}

impl Default for SignDescent {
    fn default() -> Self {
        Self { lr: 0.01 }
    }
}

impl OptimiserConfig for SignDescent {
    fn build(&self, parameters: &[Parameter]) -> Result<Box<dyn Optimiser>> {
        Ok(Box::new(SignDescender {
            lr: self.lr,
            parameters: parameters.to_vec(),
        }))
    }
}

struct SignDescender {
    lr: f64,
    parameters: Vec<Parameter>,
}

impl Optimiser for SignDescender {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        for parameter in &self.parameters {
            if let Some(gradient) = gradients.get(parameter) {
                let step = (gradient.sign()? * lr)?;
                parameter.var.set(&(parameter.var.as_tensor() - step)?)?;
            }
        }
        Ok(())
    }

    fn state(&self) -> Result<State> {
        Ok(BTreeMap::new())
    }

    fn load_state(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

register!(
    optimiser,
    "sign_descent",
    SignDescent,
    "descent by the gradient's sign"
);

/// Falls to zero along half a cosine.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Cosine {}

impl ScheduleConfig for Cosine {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        Ok(Box::new(Self {}))
    }
}

impl Schedule for Cosine {
    fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
        let steps = progress.epoch * progress.steps_per_epoch + progress.step;
        let share = steps as f64 / (progress.epochs * progress.steps_per_epoch) as f64;
        0.5 + 0.5 * (std::f64::consts::PI * share).cos()
    }
}

register!(schedule, "cosine", Cosine, "half a cosine down to zero");

/// The Brier score.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Brier {}

impl MetricConfig for Brier {
    fn build(&self) -> Result<Box<dyn Metric>> {
        Ok(Box::new(Self {}))
    }
}

impl Metric for Brier {
    fn score(&self, log_probabilities: &[f32], target: u32) -> f64 {
        let distance = |(class, log): (usize, &f32)| {
            let truth = f64::from(u8::from(class == target as usize));
            (f64::from(*log).exp() - truth).powi(2)
        };
        log_probabilities.iter().enumerate().map(distance).sum()
    }
}

register!(
    metric,
    "brier",
    Brier,
    "squared distance of the probabilities from the truth"
);

/// What the guide shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/plugins.md")]
struct Guide;
