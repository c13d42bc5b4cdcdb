//! The input pipeline: augmentation steps in order.

use ablate_core::{
    Augmentation, AugmentationContext, Dataset, Image, Phase, Split, Stream, by_row, registry,
    row_of,
};
use rand_chacha::ChaCha8Rng;

use crate::config::Choice;
use crate::{Error, Result};

/// What each step took from the training split, in order; `None` where a step took
/// nothing.
pub type Statistics = Vec<Option<Vec<f32>>>;

/// Augmentation steps built for one data set.
pub struct Pipeline {
    steps: Vec<Box<dyn Augmentation>>,
    /// Of a stored image, then of what leaves each step.
    shapes: Vec<[usize; 3]>,
}

impl Pipeline {
    /// Builds every step; statistics are taken over the training split.
    ///
    /// # Errors
    /// A step does not fit the shape that reaches it.
    pub fn build(choices: &[Choice], data: &dyn Dataset) -> Result<Self> {
        Self::restore(choices, data, &Statistics::new())
    }

    /// Builds every step; one whose statistics were kept takes those.
    ///
    /// # Errors
    /// A step does not fit the shape that reaches it or the kept statistics, or
    /// needs data that has none.
    pub fn restore(choices: &[Choice], data: &dyn Dataset, kept: &Statistics) -> Result<Self> {
        let mut output = data.info().shape;
        let mut shapes = vec![output];
        let mut steps = Vec::with_capacity(choices.len());
        for (index, choice) in choices.iter().enumerate() {
            let cx = AugmentationContext {
                input: output,
                data,
                statistics: kept.get(index).and_then(Option::as_deref),
            };
            let step = registry::augmentation(&choice.name, &choice.config, &cx)
                .map_err(|error| in_step(&choice.name, error))?;
            output = step.output_shape(output);
            shapes.push(output);
            steps.push(step);
        }
        Ok(Self { steps, shapes })
    }

    /// What its steps took from the training split.
    pub fn statistics(&self) -> Statistics {
        self.steps.iter().map(|step| step.statistics()).collect()
    }

    /// Shape `[C, H, W]` of a stored image.
    pub fn input_shape(&self) -> [usize; 3] {
        self.shapes[0]
    }

    /// Shape `[C, H, W]` of what the network sees.
    pub fn output_shape(&self) -> [usize; 3] {
        self.shapes[self.steps.len()]
    }

    /// Views of each image in evaluation: 10 with ten crops, else 1.
    pub fn view_count(&self) -> usize {
        self.steps.iter().map(|step| step.view_count()).product()
    }

    /// Writes one training image, `[C, H, W]`, and returns its label. `stream` must be
    /// the image's own.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn train(
        &self,
        data: &dyn Dataset,
        index: usize,
        stream: Stream,
        to: &mut [f32],
    ) -> Result<u32> {
        let (pixels, label) = self.read(data, Split::Train, index)?;
        self.write(&pixels, Phase::Train, &mut stream.rng(), to)?;
        Ok(label)
    }

    /// Writes all views of one image for evaluation, `[views, C, H, W]`, and returns its
    /// label.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn views(
        &self,
        data: &dyn Dataset,
        split: Split,
        index: usize,
        to: &mut [f32],
    ) -> Result<u32> {
        let (pixels, label) = self.read(data, split, index)?;
        self.views_of(&pixels, to)?;
        Ok(label)
    }

    /// Writes all views for evaluation, `[views, C, H, W]`, of an image as it is stored.
    ///
    /// # Errors
    /// It is of another shape, or a step refuses it.
    pub fn views_of(&self, pixels: &[u8], to: &mut [f32]) -> Result<()> {
        // Evaluation is deterministic; steps get a generator only to share a signature.
        let mut rng = Stream::new(0).rng();
        if self.view_count() == 1 {
            return self.write(pixels, Phase::Evaluate, &mut rng, to);
        }
        let mut views = vec![self.image(pixels)];
        for step in &self.steps {
            let mut next = Vec::with_capacity(views.len() * step.view_count());
            for view in views {
                next.extend(step.views(view, &mut rng)?);
            }
            views = next;
        }
        put(&views, self.output_shape(), to)
    }

    /// Writes one image as the network sees it, `[C, H, W]` (its centre view, as an
    /// evaluation without several views takes it). Returns the same view for people,
    /// bytes `[C, H, W]` without the steps that rescale; and its label.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn sample(
        &self,
        data: &dyn Dataset,
        split: Split,
        index: usize,
        to: &mut [f32],
    ) -> Result<(Vec<u8>, u32)> {
        let (pixels, label) = self.read(data, split, index)?;
        let mut rng = Stream::new(0).rng();
        self.write(&pixels, Phase::Evaluate, &mut rng, to)?;
        let mut shown = self.image(&pixels);
        for step in self.steps.iter().filter(|step| !step.rescales()) {
            step.apply(&mut shown, Phase::Evaluate, &mut rng)?;
        }
        if shown.shape != self.output_shape() {
            return Err(Error::Other(format!(
                "an augmentation that rescales also changes the shape, from {:?} to {:?}",
                shown.shape,
                self.output_shape()
            )));
        }
        // `as` saturates: whatever a step leaves beyond 0..=255 is black or white.
        let bytes = shown.data.iter().map(|value| value.round() as u8);
        Ok((bytes.collect(), label))
    }

    fn read(&self, data: &dyn Dataset, split: Split, index: usize) -> Result<(Vec<u8>, u32)> {
        let mut pixels = vec![0; self.input_shape().iter().product()];
        let label = data.read(split, index, &mut pixels)?;
        Ok((pixels, label))
    }

    /// Takes pixels through all steps: first those that go row by row, in one pass.
    fn write(
        &self,
        pixels: &[u8],
        phase: Phase,
        rng: &mut ChaCha8Rng,
        to: &mut [f32],
    ) -> Result<()> {
        let rows = self.steps.iter().map_while(|step| step.by_row(phase, rng));
        let rows: Vec<_> = rows.collect();
        let shape = self.shapes[rows.len()];
        let read = |channel, row, values: &mut Vec<f32>| {
            let pixels = row_of(pixels, self.input_shape(), channel, row)?;
            values.extend(pixels.iter().copied().map(f32::from));
            Ok(())
        };
        let others = &self.steps[rows.len()..];
        if others.is_empty() {
            return Ok(by_row(&rows, read, shape, to)?);
        }
        let mut data = vec![0.0; shape.iter().product()];
        by_row(&rows, read, shape, &mut data)?;
        let mut image = Image { shape, data };
        for step in others {
            step.apply(&mut image, phase, rng)?;
        }
        put(&[image], self.output_shape(), to)
    }

    fn image(&self, pixels: &[u8]) -> Image {
        Image {
            shape: self.input_shape(),
            data: pixels.iter().copied().map(f32::from).collect(),
        }
    }
}

fn in_step(step: &str, error: ablate_core::Error) -> Error {
    match error {
        ablate_core::Error::BadValue { key, problem, fix } => {
            let origin = format!("the augmentation `{step}`");
            Error::config(origin, format!("augmentation.{step}.{key}"), problem, fix)
        }
        other => Error::Plugin(other),
    }
}

/// Writes the views of one image, `[views, C, H, W]`.
///
/// # Errors
/// There are more or fewer than `to` holds, or of another shape.
fn put(images: &[Image], shape: [usize; 3], to: &mut [f32]) -> Result<()> {
    let len = shape.iter().product::<usize>();
    if images.len() * len != to.len() {
        return Err(Error::Other(format!(
            "augmentations returned {} views of an image where they promised {}",
            images.len(),
            to.len() / len.max(1)
        )));
    }
    for (image, to) in images.iter().zip(to.chunks_exact_mut(len.max(1))) {
        if image.shape != shape || image.data.len() != len {
            return Err(Error::Other(format!(
                "an augmentation returned {} values as an image of shape {:?} where it promised \
                 the shape {shape:?}",
                image.data.len(),
                image.shape
            )));
        }
        to.copy_from_slice(&image.data);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ablate_core::ByRow;
    use rand::Rng;

    use super::*;

    /// Leaves the first row out and adds what it draws, also row by row if it
    /// `goes_by_row`.
    struct Below {
        goes_by_row: bool,
    }

    struct Drawn(f32);

    impl ByRow for Drawn {
        fn source(&self, row: usize) -> Option<usize> {
            Some(row + 1)
        }

        fn change(&self, _: usize, _: usize, values: &mut Vec<f32>) {
            values.iter_mut().for_each(|value| *value += self.0);
        }
    }

    impl Augmentation for Below {
        fn output_shape(&self, [channels, height, width]: [usize; 3]) -> [usize; 3] {
            [channels, height - 1, width]
        }

        fn apply(
            &self,
            image: &mut Image,
            _: Phase,
            rng: &mut ChaCha8Rng,
        ) -> ablate_core::Result<()> {
            let output = self.output_shape(image.shape);
            *image = image.changed_by_row(Drawn(rng.random()), output)?;
            Ok(())
        }

        fn by_row(&self, _: Phase, rng: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
            self.goes_by_row
                .then(|| Box::new(Drawn(rng.random())) as Box<dyn ByRow>)
        }
    }

    fn pipeline(by_row: [bool; 3]) -> Pipeline {
        let steps =
            by_row.map(|goes_by_row| Box::new(Below { goes_by_row }) as Box<dyn Augmentation>);
        Pipeline {
            steps: steps.into(),
            shapes: (2..=5).rev().map(|height| [2, height, 3]).collect(),
        }
    }

    #[test]
    fn steps_by_row_and_others_give_the_same_in_any_order() -> Result<()> {
        let pixels: Vec<u8> = (0..30).collect();
        let run = |pipeline: Pipeline| -> Result<Vec<f32>> {
            let mut to = vec![-1.0; 12];
            pipeline.write(&pixels, Phase::Train, &mut Stream::new(4).rng(), &mut to)?;
            Ok(to)
        };
        let whole = run(pipeline([false; 3]))?;
        let row = |start: usize| {
            whole[start..start + 3]
                .iter()
                .map(|value| value.floor() as u8)
        };
        // Of five rows of three values three are left out; from 0 to 1 is added thrice.
        assert!((9..12).any(|first| row(0).eq(first..first + 3)));
        for first in [false, true] {
            for second in [false, true] {
                for third in [false, true] {
                    let by_row = [first, second, third];
                    assert_eq!(run(pipeline(by_row))?, whole, "{by_row:?}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn an_image_that_is_too_short_is_refused() {
        let mut to = [0.0; 12];
        let short = pipeline([true; 3]).views_of(&[0; 29], &mut to);
        let error = short.expect_err("too few bytes").to_string();
        assert!(error.contains("row 4 of channel 1"), "{error}");
    }

    #[test]
    fn views_are_those_that_were_promised() {
        let image = |shape: [usize; 3], values: usize| Image {
            shape,
            data: vec![1.0; values],
        };
        let shape = [1, 2, 2];
        let mut room = [0.0; 8];
        let good = [image(shape, 4), image(shape, 4)];
        put(&good, shape, &mut room).expect("as promised");
        assert_eq!(room, [1.0; 8]);
        for (views, part) in [
            (vec![image(shape, 4)], "1 views"),
            (vec![image(shape, 4), image([1, 4, 1], 4)], "[1, 4, 1]"),
            (vec![image(shape, 4), image(shape, 3)], "3 values"),
        ] {
            let error = put(&views, shape, &mut room).expect_err("another image");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
