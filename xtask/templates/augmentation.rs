//! Darkens or brightens training images at random, as the plugin `my_plugin`.

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, Error, Image, Phase, Result, register,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an experiment can change. These comments are what `describe` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {
    /// The most an image is darkened or brightened by, as a share of its values.
    pub amount: f32,
}

impl Default for MyPlugin {
    fn default() -> Self {
        Self { amount: 0.2 }
    }
}

register!(
    augmentation,
    "my_plugin",
    MyPlugin,
    "darkens or brightens training images at random"
);

impl AugmentationConfig for MyPlugin {
    fn build(&self, _: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        match (0.0..=1.0).contains(&self.amount) {
            true => Ok(Box::new(self.clone())),
            false => Err(Error::bad_value(
                "amount",
                "not a share",
                "give a number from 0 to 1",
            )),
        }
    }
}

impl Augmentation for MyPlugin {
    // All randomness comes from `rng`, which depends on seed, epoch and image
    // alone: so a run is the same for any number of threads.
    fn apply(&self, image: &mut Image, phase: Phase, rng: &mut ChaCha8Rng) -> Result<()> {
        if phase == Phase::Train {
            let factor = 1.0 + rng.random_range(-self.amount..=self.amount);
            image.data.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn applied(phase: Phase, seed: u64) -> Result<Vec<f32>> {
        let mut image = Image {
            shape: [1, 1, 2],
            data: vec![100.0, 200.0],
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        MyPlugin::default().apply(&mut image, phase, &mut rng)?;
        Ok(image.data)
    }

    #[test]
    fn training_images_change_within_bounds_and_others_do_not() -> Result<()> {
        assert_eq!(applied(Phase::Evaluate, 1)?, [100.0, 200.0]);
        let factors: Vec<f32> = (0..50)
            .map(|seed| Ok(applied(Phase::Train, seed)?[0] / 100.0))
            .collect::<Result<_>>()?;
        assert!(
            factors.iter().all(|factor| (0.8..=1.2).contains(factor)),
            "{factors:?}"
        );
        assert!(factors.iter().any(|factor| *factor > 1.1));
        assert!(factors.iter().any(|factor| *factor < 0.9));
        Ok(())
    }
}
