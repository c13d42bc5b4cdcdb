//! Each image minus its own mean: a control for mean subtraction.

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, Image, Phase, Result, register,
};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::expect_shape;

/// Subtracts from each channel of an image that channel's mean over the image.
///
/// Not in the paper, and a control: unlike `mean_subtraction` it removes the
/// image's own brightness and tint, so a network can no longer use them, and it
/// needs no pass over the training split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerImageMean {}

impl AugmentationConfig for PerImageMean {
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        Ok(Box::new(Step { shape: cx.input }))
    }
}

register!(
    augmentation,
    "per_image_mean",
    PerImageMean,
    "subtracts each image's own channel means (a control, not in the paper)"
);

struct Step {
    shape: [usize; 3],
}

impl Augmentation for Step {
    fn apply(&self, image: &mut Image, _: Phase, _: &mut ChaCha8Rng) -> Result<()> {
        expect_shape("per_image_mean", image, self.shape)?;
        let area = self.shape[1] * self.shape[2];
        for plane in image.data.chunks_exact_mut(area) {
            let sum: f64 = plane.iter().map(|value| f64::from(*value)).sum();
            let mean = (sum / area as f64) as f32;
            for value in plane {
                *value -= mean;
            }
        }
        Ok(())
    }

    fn rescales(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Stream;

    use super::*;
    use crate::testing::InMemory;

    #[test]
    fn each_channel_of_an_image_is_centred_in_both_phases() {
        let data = InMemory::new([2, 1, 2], vec![vec![0; 4]]);
        let step = PerImageMean::default()
            .build(&data.context())
            .expect("builds");
        for phase in [Phase::Train, Phase::Evaluate] {
            let mut image = Image {
                shape: [2, 1, 2],
                data: vec![1.0, 3.0, 10.0, 40.0],
            };
            step.apply(&mut image, phase, &mut Stream::new(0).rng())
                .expect("applies");
            assert_eq!(image.data, [-1.0, 1.0, -15.0, 15.0]);
        }
    }
}
