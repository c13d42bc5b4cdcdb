//! Images minus the mean of the training split.

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, ByRow, Error, Image, Moments, Phase,
    Result, register,
};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{expect_shape, expect_statistics};
use crate::window::Window;

/// Subtracts the mean activity over the training split from each pixel, and by
/// default does nothing else: the paper trains on the raw centred values.
///
/// The mean is that of the images as stored. Behind a crop the centre of the mean
/// image is subtracted wherever the patch came from, because a step does not know
/// where that was; to subtract each pixel's own mean, put the step before the crop.
/// The zeros of a padded crop are then the mean; behind it they are black.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MeanSubtraction {
    /// Over what the mean is taken. Source: section 2.
    pub mean: Mean,
    /// What the centred values are divided by. The paper divides by nothing.
    /// Source: section 2.
    pub scale: Scale,
}

/// Over what a mean is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mean {
    /// Over the training images, for each place and channel: a mean image.
    #[default]
    PerPixel,
    /// Over the training images and all places: one number a channel.
    PerChannel,
}

/// What centred values are divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Nothing: values stay in units of the stored bytes.
    #[default]
    None,
    /// One number: the standard deviation of all centred training values.
    StandardDeviation,
}

impl AugmentationConfig for MeanSubtraction {
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        let stored = cx.data.info().shape;
        // Before the pass over the data, which can take long.
        self.check_shape(stored, cx.input)?;
        if let Some(statistics) = cx.statistics {
            let values: usize = cx.input.iter().product();
            expect_statistics("mean_subtraction", statistics, values + 1)?;
            return Ok(Box::new(Step {
                shape: cx.input,
                mean: statistics[..values].to_vec(),
                factor: statistics[values],
            }));
        }
        let moments = Moments::of_training(cx.data)?;
        let mean = match self.mean {
            Mean::PerPixel => centre(moments.mean_image(), stored, cx.input)?,
            Mean::PerChannel => spread(&moments.channel_means(), cx.input),
        };
        Ok(Box::new(Step {
            shape: cx.input,
            mean,
            factor: self.factor(&moments)?,
        }))
    }
}

impl MeanSubtraction {
    fn check_shape(&self, stored: [usize; 3], input: [usize; 3]) -> Result<()> {
        let larger = input[1] > stored[1] || input[2] > stored[2];
        if input[0] == stored[0] && !(self.mean == Mean::PerPixel && larger) {
            return Ok(());
        }
        Err(Error::bad_value(
            "mean",
            format!("the images that reach it are {input:?}, the mean image is {stored:?}"),
            "put mean_subtraction before the step that changes the shape, or take the mean \
             per_channel",
        ))
    }

    /// What centred values are multiplied by.
    fn factor(&self, moments: &Moments) -> Result<f32> {
        if self.scale == Scale::None {
            return Ok(1.0);
        }
        let means = match self.mean {
            Mean::PerPixel => moments.mean_image(),
            Mean::PerChannel => moments.channel_means(),
        };
        let square_of_means =
            means.iter().map(|mean| mean * mean).sum::<f64>() / means.len() as f64;
        let variance = moments.mean_square() - square_of_means;
        // A deviation of less than a thousandth of a grey level is only rounding.
        if variance < 1e-6 {
            return Err(Error::bad_value(
                "scale",
                "the training images do not vary, so their standard deviation is 0",
                "use \"none\", or other data",
            ));
        }
        Ok((1.0 / variance.sqrt()) as f32)
    }
}

register!(
    augmentation,
    "mean_subtraction",
    MeanSubtraction,
    "subtracts the training mean, per pixel or per channel"
);

/// The centre of a mean image `stored`, of the size of `input`.
fn centre(mean: Vec<f64>, stored: [usize; 3], input: [usize; 3]) -> Result<Vec<f32>> {
    let mean = Image {
        shape: stored,
        data: mean.into_iter().map(|value| value as f32).collect(),
    };
    let window = Window {
        top: (stored[1] - input[1]) / 2,
        left: (stored[2] - input[2]) / 2,
        height: input[1],
        width: input[2],
        padding: 0,
        rows: stored[1],
    };
    Ok(window.cut(&mean)?.data)
}

/// One value a channel, repeated over the pixels of `input`.
fn spread(means: &[f64], input: [usize; 3]) -> Vec<f32> {
    let area = input[1] * input[2];
    means
        .iter()
        .flat_map(|mean| std::iter::repeat_n(*mean as f32, area))
        .collect()
}

struct Step {
    shape: [usize; 3],
    mean: Vec<f32>,
    factor: f32,
}

impl Step {
    /// Subtracts from values that begin at place `start` of the image.
    fn subtract(&self, start: usize, values: &mut [f32]) {
        for (value, mean) in values.iter_mut().zip(self.mean.iter().skip(start)) {
            *value = (*value - mean) * self.factor;
        }
    }
}

impl ByRow for &Step {
    fn change(&self, channel: usize, row: usize, values: &mut Vec<f32>) {
        let [_, height, width] = self.shape;
        self.subtract((channel * height + row) * width, values);
    }
}

impl Augmentation for Step {
    fn apply(&self, image: &mut Image, _: Phase, _: &mut ChaCha8Rng) -> Result<()> {
        expect_shape("mean_subtraction", image, self.shape)?;
        self.subtract(0, &mut image.data);
        Ok(())
    }

    fn by_row(&self, _: Phase, _: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
        Some(Box::new(self))
    }

    fn rescales(&self) -> bool {
        true
    }

    /// The mean `[C, H, W]` of what reaches the step, then the factor.
    fn statistics(&self) -> Option<Vec<f32>> {
        Some([self.mean.as_slice(), &[self.factor]].concat())
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Stream;

    use super::*;
    use crate::testing::InMemory;

    /// The step applied to zeros of the shape it was built for: minus its mean,
    /// scaled.
    fn of_zeros(config: &MeanSubtraction, data: &InMemory, input: [usize; 3]) -> Result<Vec<f32>> {
        let step = config.build(&data.context_of(input))?;
        assert_eq!(step.output_shape(input), input);
        let mut image = Image {
            shape: input,
            data: vec![0.0; input.iter().product()],
        };
        step.apply(&mut image, Phase::Evaluate, &mut Stream::new(0).rng())?;
        Ok(image.data)
    }

    fn config(mean: Mean, scale: Scale) -> MeanSubtraction {
        MeanSubtraction { mean, scale }
    }

    #[test]
    fn means_of_two_images_by_hand() -> Result<()> {
        let shape = [2, 1, 2];
        let data = InMemory::new(shape, vec![vec![0, 2, 10, 30], vec![4, 6, 20, 40]]);
        let per_pixel = of_zeros(&config(Mean::PerPixel, Scale::None), &data, shape)?;
        assert_eq!(per_pixel, [-2.0, -4.0, -15.0, -35.0]);
        let per_channel = of_zeros(&config(Mean::PerChannel, Scale::None), &data, shape)?;
        assert_eq!(per_channel, [-3.0, -3.0, -25.0, -25.0]);
        Ok(())
    }

    #[test]
    fn the_scaled_training_split_has_mean_zero_and_deviation_one() -> Result<()> {
        let shape = [3, 4, 5];
        let data = InMemory::noise(shape, 300);
        for mean in [Mean::PerPixel, Mean::PerChannel] {
            let step = config(mean, Scale::StandardDeviation).build(&data.context())?;
            let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
            for pixels in data.train() {
                let mut image = Image {
                    shape,
                    data: pixels.iter().map(|pixel| f32::from(*pixel)).collect(),
                };
                step.apply(&mut image, Phase::Train, &mut Stream::new(0).rng())?;
                for value in image.data {
                    sum += f64::from(value);
                    squares += f64::from(value * value);
                    count += 1.0;
                }
            }
            assert!((sum / count).abs() < 1e-6);
            assert!((squares / count - 1.0).abs() < 1e-5, "{}", squares / count);
        }
        Ok(())
    }

    #[test]
    fn behind_a_crop_the_centre_of_the_mean_image_is_subtracted() -> Result<()> {
        let pixels = (1..=20).collect();
        let data = InMemory::new([1, 4, 5], vec![pixels]);
        let cropped = of_zeros(&config(Mean::PerPixel, Scale::None), &data, [1, 2, 2])?;
        // Margins 2 and 3: rows 1 and 2, columns 1 and 2.
        assert_eq!(cropped, [-7.0, -8.0, -12.0, -13.0]);
        let per_channel = of_zeros(&config(Mean::PerChannel, Scale::None), &data, [1, 6, 6])?;
        assert_eq!(per_channel, [-10.5; 36]);
        Ok(())
    }

    #[test]
    fn statistics_stand_in_for_the_data() -> Result<()> {
        let shape = [3, 4, 5];
        let data = InMemory::noise(shape, 30);
        let config = config(Mean::PerPixel, Scale::StandardDeviation);
        let step = config.build(&data.context_of([3, 2, 3]))?;
        let kept = step.statistics().expect("it took a mean");
        let without = InMemory::new(shape, vec![]);
        let rebuilt = |statistics| {
            config.build(&AugmentationContext {
                statistics,
                ..without.context_of([3, 2, 3])
            })
        };
        let of_zeros = |step: &dyn Augmentation| -> Result<Vec<f32>> {
            let mut image = Image {
                shape: [3, 2, 3],
                data: vec![0.0; 18],
            };
            step.apply(&mut image, Phase::Evaluate, &mut Stream::new(0).rng())?;
            Ok(image.data)
        };
        let found = of_zeros(rebuilt(Some(&kept))?.as_ref())?;
        assert_eq!(found, of_zeros(step.as_ref())?);
        assert!(rebuilt(None).is_err(), "there is nothing to take a mean of");
        let error = rebuilt(Some(&kept[1..]))
            .err()
            .expect("too few")
            .to_string();
        assert!(
            error.contains("18 statistics") && error.contains("19"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn shapes_without_a_mean_and_flat_images_are_refused() {
        let data = InMemory::new([1, 2, 2], vec![vec![9; 4]]);
        for input in [[1, 3, 2], [1, 2, 3], [3, 2, 2]] {
            let error = of_zeros(&MeanSubtraction::default(), &data, input).expect_err("shape");
            assert!(error.to_string().contains("`mean`"), "{error}");
        }
        for mean in [Mean::PerPixel, Mean::PerChannel] {
            let config = config(mean, Scale::StandardDeviation);
            let error = of_zeros(&config, &data, [1, 2, 2]).expect_err("flat");
            assert!(error.to_string().contains("`scale`"), "{error}");
        }
    }
}
