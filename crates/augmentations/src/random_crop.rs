//! Random patches for training; the centre, or ten views, for measuring.

use ablate_core::{
    Augmentation, AugmentationConfig, AugmentationContext, ByRow, Error, Image, Phase, Result,
    register,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::expect_shape;
use crate::window::{Window, reflect};

/// Cuts a square patch out of each image.
///
/// A training image gives a patch at a place drawn evenly over all of them. The
/// paper cuts 224 x 224 out of 256 x 256 and speaks of 32 x 32 places; there are
/// 33 x 33 and all are used here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCrop {
    /// Height and width of the patch in pixels; 0 keeps those of the image. The
    /// paper's is 224, for images of 256. Source: section 4.1.
    pub size: usize,
    /// Zeros added on every side before cutting, in pixels. Usual for CIFAR (4,
    /// with the size kept); the paper adds none. Source: section 4.1.
    pub padding: usize,
    /// Which patches of an image are measured. Source: section 4.1.
    pub evaluation: Evaluation,
}

/// Which patches of an image are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evaluation {
    /// The one in the centre, rounded towards the top left.
    #[default]
    Centre,
    /// Those in the four corners and in the centre, each also mirrored whether or
    /// not training mirrors; their predictions are averaged. With padding the
    /// corners are those of the padded image, the outermost that training draws.
    TenCrop,
}

impl AugmentationConfig for RandomCrop {
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>> {
        let [channels, height, width] = cx.input;
        if self.padding > height.min(width) {
            return Err(Error::bad_value(
                "padding",
                format!(
                    "with {} zeros on every side a patch of {height} x {width} could miss the image",
                    self.padding
                ),
                format!("give {} or less", height.min(width)),
            ));
        }
        let padded = [height + 2 * self.padding, width + 2 * self.padding];
        let patch = match self.size {
            0 => [height, width],
            size => [size, size],
        };
        if patch[0] > padded[0] || patch[1] > padded[1] {
            return Err(Error::bad_value(
                "size",
                format!(
                    "a patch of {} does not fit into images of {height} x {width} with padding {}",
                    self.size, self.padding
                ),
                format!("give {} or less, or more padding", padded[0].min(padded[1])),
            ));
        }
        Ok(Box::new(Step {
            input: cx.input,
            output: [channels, patch[0], patch[1]],
            margin: [padded[0] - patch[0], padded[1] - patch[1]],
            padding: self.padding,
            evaluation: self.evaluation,
        }))
    }
}

register!(
    augmentation,
    "random_crop",
    RandomCrop,
    "random patches in training; the centre or ten crops when measuring"
);

struct Step {
    input: [usize; 3],
    output: [usize; 3],
    /// How far the patch can move down and to the right.
    margin: [usize; 2],
    padding: usize,
    evaluation: Evaluation,
}

impl Step {
    fn window(&self, top: usize, left: usize) -> Window {
        Window {
            top,
            left,
            height: self.output[1],
            width: self.output[2],
            padding: self.padding,
            rows: self.input[1],
        }
    }

    fn random(&self, rng: &mut ChaCha8Rng) -> Window {
        let top = rng.random_range(0..=self.margin[0]);
        let left = rng.random_range(0..=self.margin[1]);
        self.window(top, left)
    }

    fn drawn(&self, phase: Phase, rng: &mut ChaCha8Rng) -> Window {
        match phase {
            Phase::Train => self.random(rng),
            Phase::Evaluate => self.centre(),
        }
    }

    fn centre(&self) -> Window {
        self.window(self.margin[0] / 2, self.margin[1] / 2)
    }

    /// Top left, top right, bottom left, bottom right, centre.
    fn five(&self) -> [Window; 5] {
        let [bottom, right] = self.margin;
        [
            self.window(0, 0),
            self.window(0, right),
            self.window(bottom, 0),
            self.window(bottom, right),
            self.centre(),
        ]
    }
}

impl Augmentation for Step {
    fn output_shape(&self, _: [usize; 3]) -> [usize; 3] {
        self.output
    }

    fn apply(&self, image: &mut Image, phase: Phase, rng: &mut ChaCha8Rng) -> Result<()> {
        expect_shape("random_crop", image, self.input)?;
        *image = self.drawn(phase, rng).cut(image)?;
        Ok(())
    }

    fn by_row(&self, phase: Phase, rng: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
        Some(Box::new(self.drawn(phase, rng)))
    }

    fn views(&self, mut image: Image, rng: &mut ChaCha8Rng) -> Result<Vec<Image>> {
        if self.evaluation == Evaluation::Centre {
            self.apply(&mut image, Phase::Evaluate, rng)?;
            return Ok(vec![image]);
        }
        expect_shape("random_crop", &image, self.input)?;
        let views = self.five().map(|window| window.cut(&image)).into_iter();
        let mut views = views.collect::<Result<Vec<Image>>>()?;
        views.extend_from_within(..);
        views[5..].iter_mut().for_each(reflect);
        Ok(views)
    }

    fn view_count(&self) -> usize {
        match self.evaluation {
            Evaluation::Centre => 1,
            Evaluation::TenCrop => 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ablate_core::Stream;

    use super::*;
    use crate::testing::InMemory;

    const SHAPE: [usize; 3] = [2, 4, 6];

    /// Values that name their own place: channel, row, column as digits.
    fn image() -> Image {
        let [channels, height, width] = SHAPE;
        let places = (0..channels).flat_map(|c| {
            (0..height)
                .flat_map(move |y| (0..width).map(move |x| (100 * (c + 1) + 10 * y + x) as f32))
        });
        Image {
            shape: SHAPE,
            data: places.collect(),
        }
    }

    fn build(config: &RandomCrop) -> Box<dyn Augmentation> {
        let data = InMemory::new(SHAPE, vec![vec![0; 48]]);
        config.build(&data.context()).expect("builds")
    }

    fn train(step: &dyn Augmentation, index: usize) -> Image {
        let mut image = image();
        step.apply(
            &mut image,
            Phase::Train,
            &mut Stream::new(3).at(index).rng(),
        )
        .expect("applies");
        image
    }

    #[test]
    fn training_draws_every_place_and_nothing_else() {
        let step = build(&RandomCrop {
            size: 3,
            ..RandomCrop::default()
        });
        assert_eq!(step.output_shape(SHAPE), [2, 3, 3]);
        let mut corners = BTreeSet::new();
        for index in 0..500 {
            let patch = train(step.as_ref(), index);
            assert_eq!(
                patch,
                train(step.as_ref(), index),
                "a function of the stream"
            );
            assert_eq!(patch.shape, [2, 3, 3]);
            let corner = patch.data[0];
            for (place, value) in patch.data.iter().enumerate() {
                let (c, y, x) = (place / 9, place / 3 % 3, place % 3);
                assert_eq!(*value, corner + (100 * c + 10 * y + x) as f32);
            }
            corners.insert(corner as usize);
        }
        // Rows 0 and 1, columns 0 to 3.
        let all = [100, 101, 102, 103, 110, 111, 112, 113];
        assert_eq!(corners, BTreeSet::from(all));
    }

    #[test]
    fn padding_shifts_the_image_and_fills_with_zeros() {
        let step = build(&RandomCrop {
            padding: 1,
            ..RandomCrop::default()
        });
        assert_eq!(step.output_shape(SHAPE), SHAPE);
        let zeros: BTreeSet<usize> = (0..200)
            .map(|index| train(step.as_ref(), index))
            .map(|patch| patch.data.iter().filter(|value| **value == 0.0).count())
            .collect();
        // Not moved; one row (6), one column (4) or both (9) lost; two channels each.
        assert_eq!(zeros, BTreeSet::from([0, 8, 12, 18]));
        let mut centre = image();
        step.apply(&mut centre, Phase::Evaluate, &mut Stream::new(0).rng())
            .expect("applies");
        assert_eq!(centre, image(), "measuring takes the image itself");
    }

    #[test]
    fn the_centre_is_rounded_towards_the_top_left() {
        let step = build(&RandomCrop {
            size: 3,
            ..RandomCrop::default()
        });
        let views = step
            .views(image(), &mut Stream::new(0).rng())
            .expect("views");
        assert_eq!((views.len(), step.view_count()), (1, 1));
        // Margins 1 and 3: row 0, column 1.
        assert_eq!(
            views[0].data[..6],
            [101.0, 102.0, 103.0, 111.0, 112.0, 113.0]
        );
    }

    #[test]
    fn ten_crops_are_corners_and_centre_then_their_mirror_images() {
        let step = build(&RandomCrop {
            size: 2,
            evaluation: Evaluation::TenCrop,
            ..RandomCrop::default()
        });
        assert_eq!(step.view_count(), 10);
        let views = step
            .views(image(), &mut Stream::new(0).rng())
            .expect("views");
        // Second channel, by hand: rows 0..2, 2..4 or 1..3, columns 0..2, 4..6 or 2..4.
        let expected = [
            [200, 201, 210, 211],
            [204, 205, 214, 215],
            [220, 221, 230, 231],
            [224, 225, 234, 235],
            [212, 213, 222, 223],
        ];
        assert_eq!(views.len(), 10);
        for (view, [a, b, c, d]) in views.iter().zip(expected) {
            assert_eq!(view.shape, [2, 2, 2]);
            assert_eq!(view.data[4..], [a, b, c, d].map(|value| value as f32));
        }
        for (view, [a, b, c, d]) in views[5..].iter().zip(expected) {
            assert_eq!(view.data[4..], [b, a, d, c].map(|value| value as f32));
        }
        // A caller that wants one image gets the centre.
        let mut single = image();
        step.apply(&mut single, Phase::Evaluate, &mut Stream::new(0).rng())
            .expect("applies");
        assert_eq!(single, views[4]);
    }

    #[test]
    fn ten_crops_of_a_padded_image_reach_into_the_padding() {
        let step = build(&RandomCrop {
            padding: 2,
            evaluation: Evaluation::TenCrop,
            ..RandomCrop::default()
        });
        let views = step
            .views(image(), &mut Stream::new(0).rng())
            .expect("views");
        assert_eq!(views[0].data[..12], [0.0; 12]);
        assert_eq!(views[0].data[12..16], [0.0, 0.0, 100.0, 101.0]);
        assert_eq!(views[4], image());
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let data = InMemory::new(SHAPE, vec![vec![0; 48]]);
        let config = RandomCrop {
            size: 5,
            ..RandomCrop::default()
        };
        let error = config
            .build(&data.context())
            .err()
            .expect("refused")
            .to_string();
        assert!(
            error.contains("`size`") && error.contains("give 4 or less"),
            "{error}"
        );
    }

    #[test]
    fn a_border_wider_than_the_image_is_refused() {
        let data = InMemory::new(SHAPE, vec![vec![0; 48]]);
        for padding in [5, usize::MAX / 2 + 1, usize::MAX] {
            let config = RandomCrop {
                padding,
                ..RandomCrop::default()
            };
            let error = config.build(&data.context()).err().expect("refused");
            let error = error.to_string();
            assert!(
                error.contains("`padding`") && error.contains("give 4"),
                "{error}"
            );
        }
    }
}
