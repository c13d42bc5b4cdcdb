//! Softmax regression on the pixels, as the plugin `linear`: what can be said of
//! an image without a hidden layer. Its features are the pixels as the
//! augmentations leave them, so it is also what retrieval by features is
//! compared with (paper, section 6.1). This crate knows layers and the plugin
//! contract, no kernel, and nothing of training.

use ablate_core::{Model, ModelConfig, ModelContext, Result};
use ablate_nn::{LayerInit, StackBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ablate_core::register!(
    model,
    "linear",
    Linear,
    "softmax regression on the pixels, a baseline without a hidden layer"
);

/// The config of the plugin `linear`: nothing can be changed. Weights and biases
/// start at 0, which is as good as any start, because the loss is convex.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {}

impl ModelConfig for Linear {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        let zero = LayerInit::Normal {
            deviation: 0.0,
            bias: 0.0,
        };
        let layers =
            StackBuilder::default()
                .flatten()
                .features()
                .linear("classifier.0", cx.classes, zero);
        Ok(Box::new(layers.build(cx.input, &cx.parameters)?))
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::{Parameters, Pass, Stream};
    use candle_core::{DType, Device, Tensor};

    use super::*;

    #[test]
    fn features_are_the_pixels_and_a_start_knows_nothing() -> Result<()> {
        let parameters = Parameters::new(Stream::new(1));
        let model = Linear::default().build(&ModelContext {
            input: [3, 2, 2],
            classes: 5,
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        })?;
        let images = Tensor::arange(0.0_f32, 24.0, &Device::Cpu)?.reshape((2, 3, 2, 2))?;
        let features = model.features(&images)?.expect("features");
        assert_eq!(features.dims(), [2, 12]);
        let (ours, pixels) = (features.flatten_all()?, images.flatten_all()?);
        assert_eq!(ours.to_vec1::<f32>()?, pixels.to_vec1::<f32>()?);
        let logits = model.forward(&images, &Pass::evaluate())?;
        assert_eq!(logits.to_vec2::<f32>()?, [[0.0; 5]; 2]);
        assert_eq!(parameters.count(), 12 * 5 + 5);
        Ok(())
    }
}
