//! Random shifts of a training image's colour along the principal components of
//! the data's colours (paper, section 4.1).

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, ByRow, Error, Image, Moments, Phase,
    Result, register,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{expect_shape, expect_statistics};
use crate::eigen::{self, Eigen};

/// Adds one colour to all pixels of a training image: the sum over the principal
/// components of the training pixels' RGB values of `p_i * alpha_i * magnitude_i`,
/// each `alpha_i` drawn anew from a normal distribution for every image and epoch.
///
/// Pixels are not clipped to 0 to 255 afterwards, nor is the shifted image shrunk
/// by `1 / (1 + sigma)` as in the authors' published code (cuda-convnet), of which
/// the paper says nothing. The shift is in stored units, so put the step before
/// any that scales; mean subtraction without scaling may stand on either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PcaColour {
    /// The standard deviation of each `alpha_i`. Source: section 4.1.
    pub sigma: f64,
    /// How far one unit of `alpha_i` shifts along component `i`. The paper says
    /// the eigenvalue but not the scale of the pixels, on which its size depends;
    /// the authors' published code multiplies by standard deviations, the same
    /// fraction of the data's spread on every scale.
    pub magnitude: Magnitude,
}

/// How far one unit of the random draw shifts along a principal component.
///
/// A component's eigenvalue is a variance: on pixels from 0 to 255 it is 255
/// times as many grey levels as on pixels from 0 to 1. For ImageNet's first
/// component (0.2175 on the latter), sigma 0.1 means a typical shift of 1400
/// levels by the former reading, which no image survives, of 5.5 by the latter,
/// and of 12 by the standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Magnitude {
    /// The square root of the eigenvalue, as in the authors' published code.
    #[default]
    StandardDeviation,
    /// The eigenvalue of pixels scaled to 0 to 1, in that scale, as in most later
    /// re-implementations.
    Eigenvalue,
}

impl Default for PcaColour {
    fn default() -> Self {
        Self {
            sigma: 0.1,
            magnitude: Magnitude::default(),
        }
    }
}

impl AugmentationConfig for PcaColour {
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        if !(self.sigma.is_finite() && self.sigma >= 0.0) {
            return Err(Error::bad_value(
                "sigma",
                format!("{} is not a standard deviation", self.sigma),
                "give a number of 0 or more; the paper has 0.1",
            ));
        }
        let stored = cx.data.info().shape;
        if stored[0] != 3 || cx.input[0] != 3 {
            return Err(Error::Other(format!(
                "pca_colour needs three channels, the data has {}\n  \
                 fix: leave the step out",
                stored[0].min(cx.input[0])
            )));
        }
        let directions = match cx.statistics {
            Some(kept) => {
                expect_statistics("pca_colour", kept, 9)?;
                std::array::from_fn(|row| std::array::from_fn(|at| f64::from(kept[3 * row + at])))
            }
            None => self.directions(&components(&Moments::of_training(cx.data)?)),
        };
        Ok(Box::new(Step {
            shape: cx.input,
            directions,
        }))
    }
}

impl PcaColour {
    /// What a standard normal draw is multiplied by, for each component, in
    /// stored units.
    fn directions(&self, components: &Eigen) -> [[f64; 3]; 3] {
        std::array::from_fn(|component| {
            // Rounding can leave the eigenvalue of a flat direction just below 0.
            let variance = components.values[component].max(0.0);
            let length = match self.magnitude {
                Magnitude::StandardDeviation => variance.sqrt(),
                // On the scale of 0 to 1 the eigenvalue is `variance / 255^2` and
                // a shift by it is `255` times as many levels.
                Magnitude::Eigenvalue => variance / 255.0,
            };
            components.vectors[component].map(|axis| axis * length * self.sigma)
        })
    }
}

register!(
    augmentation,
    "pca_colour",
    PcaColour,
    "shifts training images along the data's principal colours"
);

/// The principal components of the training pixels' colours.
fn components(moments: &Moments) -> Eigen {
    let covariance = moments.covariance();
    eigen::symmetric(std::array::from_fn(|row| {
        std::array::from_fn(|column| covariance[3 * row + column])
    }))
}

struct Step {
    shape: [usize; 3],
    directions: [[f64; 3]; 3],
}

impl Step {
    /// What is added to each channel.
    fn draw(&self, phase: Phase, rng: &mut ChaCha8Rng) -> Shift {
        let mut shift = [0.0; 3];
        if phase == Phase::Train {
            for direction in &self.directions {
                let draw: f64 = rng.sample(StandardNormal);
                for (shift, axis) in shift.iter_mut().zip(direction) {
                    *shift += draw * axis;
                }
            }
        }
        Shift(shift.map(|value| value as f32))
    }
}

/// One colour for all pixels.
struct Shift([f32; 3]);

impl Shift {
    fn add(&self, channel: usize, values: &mut [f32]) {
        let shift = self.0.get(channel).copied().unwrap_or_default();
        values.iter_mut().for_each(|value| *value += shift);
    }
}

impl ByRow for Shift {
    fn change(&self, channel: usize, _: usize, values: &mut Vec<f32>) {
        self.add(channel, values);
    }
}

impl Augmentation for Step {
    fn apply(&self, image: &mut Image, phase: Phase, rng: &mut ChaCha8Rng) -> Result<()> {
        expect_shape("pca_colour", image, self.shape)?;
        let shift = self.draw(phase, rng);
        let area = self.shape[1] * self.shape[2];
        for (channel, plane) in image.data.chunks_exact_mut(area).enumerate() {
            shift.add(channel, plane);
        }
        Ok(())
    }

    fn by_row(&self, phase: Phase, rng: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
        Some(Box::new(self.draw(phase, rng)))
    }

    /// The directions, rounded: enough for measuring, which does not use them.
    fn statistics(&self) -> Option<Vec<f32>> {
        let values = self.directions.as_flattened().iter();
        Some(values.map(|value| *value as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Stream;

    use super::*;
    use crate::testing::InMemory;

    const SHAPE: [usize; 3] = [3, 2, 2];

    /// One image of four pixels: a centre plus or minus 30 along (2, 2, 1) / 3 plus
    /// or minus the square root of 162 along (1, -1, 0) / sqrt(2).
    fn data() -> InMemory {
        let centre = [100.0, 120.0, 140.0];
        let first = [20.0, 20.0, 10.0];
        let second = [9.0, -9.0, 0.0];
        let mut planes = vec![vec![]; 3];
        for (a, b) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            for channel in 0..3 {
                let value: f64 = centre[channel] + a * first[channel] + b * second[channel];
                planes[channel].push(value as u8);
            }
        }
        InMemory::new(SHAPE, vec![planes.concat()])
    }

    fn shift(config: &PcaColour, index: usize, phase: Phase) -> [f32; 3] {
        let data = data();
        let step = config.build(&data.context()).expect("builds");
        let mut image = Image {
            shape: SHAPE,
            data: vec![50.0; 12],
        };
        step.apply(&mut image, phase, &mut Stream::new(5).at(index).rng())
            .expect("applies");
        let planes = image.data.chunks_exact(4);
        let shifts: Vec<f32> = planes
            .map(|plane| {
                assert_eq!(plane, [plane[0]; 4], "one colour for all pixels");
                plane[0] - 50.0
            })
            .collect();
        [shifts[0], shifts[1], shifts[2]]
    }

    #[test]
    fn statistics_stand_in_for_the_data() -> Result<()> {
        let (config, data) = (PcaColour::default(), data());
        let kept = config.build(&data.context())?.statistics();
        let kept = kept.expect("it took colours");
        let without = InMemory::new(SHAPE, vec![]);
        let rebuilt = config.build(&AugmentationContext {
            statistics: Some(&kept),
            ..without.context()
        })?;
        assert_eq!(rebuilt.statistics(), Some(kept));
        Ok(())
    }

    #[test]
    fn components_of_known_colours() -> Result<()> {
        let eigen = components(&Moments::of_training(&data())?);
        // Squared lengths of the two directions; nothing varies along the third.
        for (value, expected) in eigen.values.iter().zip([900.0, 162.0, 0.0]) {
            assert!((value - expected).abs() < 1e-9, "{:?}", eigen.values);
        }
        for (axis, expected) in eigen.vectors[0].iter().zip([2.0, 2.0, 1.0]) {
            assert!((axis - expected / 3.0).abs() < 1e-12);
        }
        let half = 0.5f64.sqrt();
        for (axis, expected) in eigen.vectors[1].iter().zip([half, -half, 0.0]) {
            assert!((axis.abs() - f64::abs(expected)).abs() < 1e-12);
        }
        assert!(eigen.vectors[1][0] * eigen.vectors[1][1] < 0.0);
        Ok(())
    }

    /// `numpy.linalg.eigh(numpy.cov(pixels, bias=True))` over CIFAR-10's first
    /// training file, largest value first, each vector's largest component positive.
    #[test]
    fn components_of_real_photographs_are_numpys() -> Result<()> {
        let root = std::env::var("ABLATE_DATA_DIR").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_string()
        });
        let path = format!("{root}/cifar-10-batches-bin/data_batch_1.bin");
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {path} is not there");
            return Ok(());
        };
        let images = bytes.chunks_exact(3073).map(|record| record[1..].to_vec());
        let data = InMemory::new([3, 32, 32], images.collect());
        let eigen = components(&Moments::of_training(&data)?);
        let values = [11288.48536971, 796.9848545, 172.64953951];
        let vectors = [
            [0.55724801, 0.57686078, 0.59724894],
            [0.70668252, 0.0481809, -0.70588839],
            [-0.43597532, 0.81542029, -0.38080872],
        ];
        for (value, expected) in eigen.values.iter().zip(values) {
            assert!((value / expected - 1.0).abs() < 1e-9, "{:?}", eigen.values);
        }
        for (axis, expected) in eigen.vectors.iter().flatten().zip(vectors.iter().flatten()) {
            assert!((axis - expected).abs() < 1e-8, "{:?}", eigen.vectors);
        }
        Ok(())
    }

    #[test]
    fn shifts_have_the_asked_covariance_for_both_magnitudes() {
        let (first, second) = (
            [2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0],
            [0.5f64.sqrt(), -(0.5f64.sqrt()), 0.0],
        );
        for (magnitude, lengths) in [
            (Magnitude::StandardDeviation, [30.0, 162f64.sqrt()]),
            (Magnitude::Eigenvalue, [900.0 / 255.0, 162.0 / 255.0]),
        ] {
            let config = PcaColour {
                sigma: 0.5,
                magnitude,
            };
            let data = data();
            let step = config.build(&data.context()).expect("builds");
            const DRAWS: usize = 20_000;
            let mut squares = [0.0; 2];
            let mut outside = 0.0f64;
            for index in 0..DRAWS {
                let mut image = Image {
                    shape: SHAPE,
                    data: vec![0.0; 12],
                };
                step.apply(
                    &mut image,
                    Phase::Train,
                    &mut Stream::new(1).at(index).rng(),
                )
                .expect("applies");
                let colour = [0, 4, 8].map(|place| f64::from(image.data[place]));
                let along = |axis: [f64; 3]| -> f64 { (0..3).map(|i| axis[i] * colour[i]).sum() };
                squares[0] += along(first).powi(2);
                squares[1] += along(second).powi(2);
                outside = outside.max(along([1.0, 1.0, -4.0]).abs());
            }
            for (square, length) in squares.iter().zip(lengths) {
                let ratio = square / DRAWS as f64 / (0.5 * length).powi(2);
                // Five standard errors of a variance from 20,000 draws.
                assert!((ratio - 1.0).abs() < 0.05, "{magnitude:?}: {ratio}");
            }
            assert!(outside < 1e-4, "{outside}");
        }
    }

    /// `[p1, p2, p3][a1 l1, a2 l2, a3 l3]^T` (paper, section 4.1), signs included.
    #[test]
    fn a_shift_goes_where_its_draws_point() {
        for index in 0..10 {
            let shift = shift(&PcaColour::default(), index, Phase::Train);
            let draw: f64 = Stream::new(5).at(index).rng().sample(StandardNormal);
            let along: f32 = (shift.iter().zip([2.0, 2.0, 1.0]))
                .map(|(shift, axis)| shift * axis / 3.0)
                .sum();
            // A tenth of a deviation of 30 for each.
            assert!((f64::from(along) - 3.0 * draw).abs() < 1e-4, "{along}");
        }
    }

    #[test]
    fn a_shift_is_a_function_of_the_stream_and_only_training_has_one() {
        let config = PcaColour::default();
        assert_eq!(
            shift(&config, 3, Phase::Train),
            shift(&config, 3, Phase::Train)
        );
        assert_ne!(
            shift(&config, 3, Phase::Train),
            shift(&config, 4, Phase::Train)
        );
        assert_eq!(shift(&config, 3, Phase::Evaluate), [0.0; 3]);
        let still = PcaColour {
            sigma: 0.0,
            ..config
        };
        assert_eq!(shift(&still, 3, Phase::Train), [0.0; 3]);
    }

    #[test]
    fn grey_images_and_a_negative_sigma_are_refused() {
        let grey = InMemory::new([1, 1, 1], vec![vec![0]]);
        let error = PcaColour::default().build(&grey.context()).err();
        assert!(error.expect("grey").to_string().contains("three channels"));
        let coloured = data();
        let made_grey = AugmentationContext {
            input: [1, 2, 2],
            ..coloured.context()
        };
        let error = PcaColour::default().build(&made_grey).err();
        assert!(error.expect("grey by now").to_string().contains("has 1"));
        for sigma in [-0.1, f64::NAN, f64::INFINITY] {
            let config = PcaColour {
                sigma,
                ..PcaColour::default()
            };
            let error = config.build(&data().context()).err();
            assert!(error.expect("sigma").to_string().contains("`sigma`"));
        }
    }
}
