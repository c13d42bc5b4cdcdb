//! Steps from a stored image to a network input, for training and evaluation.

use rand_chacha::ChaCha8Rng;

use crate::{ByRow, Dataset, PluginConfig, Result};

/// One image on its way to the network: float planes `[C, H, W]`, in the
/// stored 0 to 255 range until a step changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Channels, height and width `[C, H, W]`.
    pub shape: [usize; 3],
    /// `C * H * W` values, row-major.
    pub data: Vec<f32>,
}

/// Whether an image is for training or for measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Random choices are drawn.
    Train,
    /// Everything is deterministic.
    Evaluate,
}

/// One step of the input pipeline.
///
/// A step belongs to both phases: a random crop takes the centre when
/// evaluating, PCA colour does nothing then, mean subtraction always applies.
pub trait Augmentation: Send + Sync {
    /// The shape after this step; constant over images.
    fn output_shape(&self, input: [usize; 3]) -> [usize; 3] {
        input
    }

    /// Transforms one image in place.
    ///
    /// # Errors
    /// The image does not have the shape the step was built for.
    fn apply(&self, image: &mut Image, phase: Phase, rng: &mut ChaCha8Rng) -> Result<()>;

    /// What [`apply`](Self::apply) does to an image of the shape the step was built for,
    /// drawn as there, where that is done row by row: such steps are run in one pass over
    /// the image. `None`, the default, where it is not; then nothing is drawn.
    fn by_row(&self, _: Phase, _: &mut ChaCha8Rng) -> Option<Box<dyn ByRow + '_>> {
        None
    }

    /// The views whose predictions are averaged when evaluating (paper, section
    /// 4.1: ten crops). A step with one view, the default, is just applied.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply).
    fn views(&self, mut image: Image, rng: &mut ChaCha8Rng) -> Result<Vec<Image>> {
        self.apply(&mut image, Phase::Evaluate, rng)?;
        Ok(vec![image])
    }

    /// Whether the step takes values off the stored 0 to 255 range, as mean
    /// subtraction does. Such a step is left out where an image is kept for people
    /// to look at.
    fn rescales(&self) -> bool {
        false
    }

    /// What the step took from the training split, for
    /// [`AugmentationContext::statistics`] to give back where the data is not at
    /// hand. `None`, the default, where it took nothing.
    fn statistics(&self) -> Option<Vec<f32>> {
        None
    }

    /// How many images [`views`](Self::views) returns.
    fn view_count(&self) -> usize {
        1
    }
}

/// What a step is built from.
pub struct AugmentationContext<'a> {
    /// Shape `[C, H, W]` of the images that reach this step.
    pub input: [usize; 3],
    /// The data; statistics (means, covariance) come from its training split.
    pub data: &'a dyn Dataset,
    /// What [`Augmentation::statistics`] said of the same step when the data was at
    /// hand; `None` where the step is to take them.
    pub statistics: Option<&'a [f32]>,
}

/// The config of an augmentation plugin.
pub trait AugmentationConfig: PluginConfig {
    /// Builds the step; statistics over the training split are taken here.
    ///
    /// # Errors
    /// A value that does not fit the input shape, or unreadable data.
    fn build(&self, cx: &AugmentationContext) -> Result<Box<dyn Augmentation>>;
}
