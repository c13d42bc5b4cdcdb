//! The input pipeline: augmentation steps in order.

use ablate_core::{
    Augmentation, AugmentationContext, Dataset, Image, Phase, Split, Stream, registry,
};

use crate::config::Choice;
use crate::{Error, Result};

/// What each step took from the training split, in order; `None` where a step took
/// nothing.
pub type Statistics = Vec<Option<Vec<f32>>>;

/// Augmentation steps built for one data set.
pub struct Pipeline {
    steps: Vec<Box<dyn Augmentation>>,
    input: [usize; 3],
    output: [usize; 3],
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
        let input = data.info().shape;
        let mut output = input;
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
            steps.push(step);
        }
        Ok(Self {
            steps,
            input,
            output,
        })
    }

    /// What its steps took from the training split.
    pub fn statistics(&self) -> Statistics {
        self.steps.iter().map(|step| step.statistics()).collect()
    }

    /// Shape `[C, H, W]` of a stored image.
    pub fn input_shape(&self) -> [usize; 3] {
        self.input
    }

    /// Shape `[C, H, W]` of what the network sees.
    pub fn output_shape(&self) -> [usize; 3] {
        self.output
    }

    /// Views of each image in evaluation: 10 with ten crops, else 1.
    pub fn view_count(&self) -> usize {
        self.steps.iter().map(|step| step.view_count()).product()
    }

    /// One training image and its label. `stream` must be the image's own.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn train(&self, data: &dyn Dataset, index: usize, stream: Stream) -> Result<(Image, u32)> {
        let (mut image, label) = self.read(data, Split::Train, index)?;
        let mut rng = stream.rng();
        for step in &self.steps {
            step.apply(&mut image, Phase::Train, &mut rng)?;
        }
        Ok((image, label))
    }

    /// All views of one image for evaluation, and its label.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn views(
        &self,
        data: &dyn Dataset,
        split: Split,
        index: usize,
    ) -> Result<(Vec<Image>, u32)> {
        let (image, label) = self.read(data, split, index)?;
        Ok((self.views_of(image)?, label))
    }

    /// All views for evaluation of an image in its stored shape and range.
    ///
    /// # Errors
    /// A step refuses it.
    pub fn views_of(&self, image: Image) -> Result<Vec<Image>> {
        // Evaluation is deterministic; steps get a generator only to share a signature.
        let mut rng = Stream::new(0).rng();
        let mut views = vec![image];
        for step in &self.steps {
            let mut next = Vec::with_capacity(views.len() * step.view_count());
            for view in views {
                next.extend(step.views(view, &mut rng)?);
            }
            views = next;
        }
        Ok(views)
    }

    /// One image as the network sees it (its centre view, as an evaluation without
    /// several views takes it), the same view for people: bytes `[C, H, W]` without
    /// the steps that rescale; and its label.
    ///
    /// # Errors
    /// The image cannot be read, or a step refuses it.
    pub fn sample(
        &self,
        data: &dyn Dataset,
        split: Split,
        index: usize,
    ) -> Result<(Image, Vec<u8>, u32)> {
        let (mut input, label) = self.read(data, split, index)?;
        let mut shown = input.clone();
        let mut rng = Stream::new(0).rng();
        for step in &self.steps {
            step.apply(&mut input, Phase::Evaluate, &mut rng)?;
            if !step.rescales() {
                step.apply(&mut shown, Phase::Evaluate, &mut rng)?;
            }
        }
        if shown.shape != input.shape {
            return Err(Error::Other(format!(
                "an augmentation that rescales also changes the shape, from {:?} to {:?}",
                shown.shape, input.shape
            )));
        }
        // `as` saturates: whatever a step leaves beyond 0..=255 is black or white.
        let bytes = shown.data.iter().map(|value| value.round() as u8);
        Ok((input, bytes.collect(), label))
    }

    fn read(&self, data: &dyn Dataset, split: Split, index: usize) -> Result<(Image, u32)> {
        let mut pixels = vec![0; self.input.iter().product()];
        let label = data.read(split, index, &mut pixels)?;
        let data = pixels.into_iter().map(f32::from).collect();
        Ok((
            Image {
                shape: self.input,
                data,
            },
            label,
        ))
    }
}

fn in_step(step: &str, error: ablate_core::Error) -> Error {
    match error {
        ablate_core::Error::BadValue { key, problem, fix } => Error::Config {
            origin: format!("the augmentation `{step}`"),
            key: format!("augmentation.{step}.{key}"),
            problem,
            fix,
        },
        other => Error::Plugin(other),
    }
}
