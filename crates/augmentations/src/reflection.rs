//! Horizontal reflection of training images.

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, ByRow, Error, Image, Phase, Result,
    register,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::expect_shape;
use crate::window::reflect;

/// Mirrors a training image left to right, by the toss of a coin; images that
/// are measured stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reflection {
    /// How likely an image is mirrored, 0 to 1. The paper mirrors but gives no
    /// odds; a fair coin makes both views equally frequent. Source: section 4.1.
    pub probability: f64,
}

impl Default for Reflection {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl AugmentationConfig for Reflection {
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(Error::bad_value(
                "probability",
                format!("{} is not a probability", self.probability),
                "give a number from 0 (never) to 1 (always)",
            ));
        }
        Ok(Box::new(Step {
            shape: cx.input,
            probability: self.probability,
        }))
    }
}

register!(
    augmentation,
    "reflection",
    Reflection,
    "mirrors training images left to right at random"
);

struct Step {
    shape: [usize; 3],
    probability: f64,
}

impl Augmentation for Step {
    fn apply(&self, image: &mut Image, phase: Phase, rng: &mut ChaCha8Rng) -> Result<()> {
        expect_shape("reflection", image, self.shape)?;
        if self.toss(phase, rng) {
            reflect(image);
        }
        Ok(())
    }

    fn by_row(&self, phase: Phase, rng: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
        let is_mirrored = self.toss(phase, rng);
        Some(Box::new(Mirror { is_mirrored }))
    }
}

impl Step {
    fn toss(&self, phase: Phase, rng: &mut ChaCha8Rng) -> bool {
        phase == Phase::Train && rng.random_bool(self.probability)
    }
}

struct Mirror {
    is_mirrored: bool,
}

impl ByRow for Mirror {
    fn change(&self, _: usize, _: usize, values: &mut Vec<f32>) {
        if self.is_mirrored {
            values.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Stream;

    use super::*;
    use crate::testing::InMemory;

    fn image() -> Image {
        Image {
            shape: [1, 1, 2],
            data: vec![1.0, 2.0],
        }
    }

    /// How many of 1000 images are mirrored.
    fn mirrored(probability: f64, phase: Phase) -> usize {
        let data = InMemory::new([1, 1, 2], vec![vec![0, 0]]);
        let step = Reflection { probability }
            .build(&data.context())
            .expect("builds");
        let apply = |index| {
            let mut image = image();
            step.apply(&mut image, phase, &mut Stream::new(1).at(index).rng())
                .expect("applies");
            assert!(image.data == [1.0, 2.0] || image.data == [2.0, 1.0]);
            image.data == [2.0, 1.0]
        };
        (0..1000).filter(|index| apply(*index)).count()
    }

    #[test]
    fn training_images_are_mirrored_as_often_as_asked() {
        assert_eq!(mirrored(0.0, Phase::Train), 0);
        assert_eq!(mirrored(1.0, Phase::Train), 1000);
        // Five standard deviations of a fair coin are 79.
        assert!(mirrored(0.5, Phase::Train).abs_diff(500) < 79);
        assert_eq!(mirrored(0.5, Phase::Train), mirrored(0.5, Phase::Train));
    }

    #[test]
    fn measured_images_are_never_mirrored() {
        assert_eq!(mirrored(1.0, Phase::Evaluate), 0);
    }

    #[test]
    fn odds_out_of_range_and_foreign_shapes_are_refused() {
        let data = InMemory::new([1, 2, 2], vec![vec![0; 4]]);
        for probability in [-0.1, 1.1, f64::NAN] {
            let error = Reflection { probability }.build(&data.context()).err();
            assert!(
                error
                    .expect("refused")
                    .to_string()
                    .contains("`probability`")
            );
        }
        let step = Reflection::default()
            .build(&data.context())
            .expect("builds");
        let error = step
            .apply(&mut image(), Phase::Train, &mut Stream::new(0).rng())
            .expect_err("another shape");
        assert!(error.to_string().contains("[1, 2, 2]"), "{error}");
    }
}
