//! A small convolutional network, as the plugin `my_plugin`.

use ablate_core::{Error, Model, ModelConfig, ModelContext, Result, register};
use ablate_nn::{Activation, Conv2d, LayerInit, MaxPool2d, StackBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an experiment can change. These comments are what `describe` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {
    /// Kernels of the first convolution; the second has twice as many.
    pub kernels: usize,
}

impl Default for MyPlugin {
    fn default() -> Self {
        Self { kernels: 16 }
    }
}

register!(
    model,
    "my_plugin",
    MyPlugin,
    "two convolutions and a linear layer"
);

impl ModelConfig for MyPlugin {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        if self.kernels == 0 {
            return Err(Error::bad_value("kernels", "none", "give 1 or more"));
        }
        let conv = |kernels| Conv2d {
            kernels,
            size: 5,
            stride: 1,
            padding: 2,
            groups: 1,
        };
        let pool = MaxPool2d {
            size: 3,
            stride: 2,
            padding: 1,
        };
        let stack = StackBuilder::default()
            .conv2d("features.0", conv(self.kernels), LayerInit::He)
            .activation(Activation::Relu)
            .max_pool2d(pool)
            .conv2d("features.3", conv(2 * self.kernels), LayerInit::He)
            .activation(Activation::Relu)
            .max_pool2d(pool)
            .flatten()
            .features()
            .linear("classifier", cx.classes, LayerInit::He)
            .build(cx.input, &cx.parameters)?;
        Ok(Box::new(stack))
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::{Parameters, Pass, Stream};
    use candle_core::{DType, Device, Tensor};

    use super::*;

    fn build(config: &MyPlugin) -> Result<(Parameters, Box<dyn Model>)> {
        let parameters = Parameters::new(Stream::new(1));
        let model = config.build(&ModelContext {
            input: [3, 32, 32],
            classes: 10,
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        })?;
        Ok((parameters, model))
    }

    #[test]
    fn it_has_the_layers_one_counts_by_hand() -> Result<()> {
        let (parameters, model) = build(&MyPlugin::default())?;
        let images = Tensor::zeros((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
        let logits = model.forward(&images, &Pass::evaluate())?;
        assert_eq!(logits.dims(), [2, 10]);
        let conv = |inputs: usize, kernels: usize| inputs * kernels * 25 + kernels;
        let linear = 32 * 8 * 8 * 10 + 10;
        assert_eq!(parameters.count(), conv(3, 16) + conv(16, 32) + linear);
        Ok(())
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let bad = MyPlugin { kernels: 0 };
        let error = build(&bad).err().expect("an error").to_string();
        assert!(error.contains("kernels"), "{error}");
    }
}
