//! Labelled images of one fixed size, read by index.

use std::path::PathBuf;

use crate::{Moments, PluginConfig, Result};

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images that gradients come from.
    Train,
    /// The images that errors are reported on.
    Validation,
}

/// What a data set holds; every report prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetInfo {
    /// One sentence that names the data honestly: source, edition, deviations.
    pub description: String,
    /// Channels, height and width `[C, H, W]` of every image.
    pub shape: [usize; 3],
    /// The class names; a label indexes them.
    pub classes: Vec<String>,
}

/// Labelled images of one size. Reading must be pure: the same index gives the
/// same pixels, from any thread.
pub trait Dataset: Send + Sync {
    /// What the set holds.
    fn info(&self) -> &DatasetInfo;

    /// Number of images in a split.
    fn len(&self, split: Split) -> usize;

    /// Writes image `index` of `split` into `pixels` (`C * H * W` bytes, planes
    /// in channel order, rows from the top) and returns its label.
    ///
    /// # Errors
    /// The image cannot be read or decoded; the error names its file.
    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32>;

    /// The moments of all images of the training split and of no others, where the
    /// set has them without reading every image. With `None`, the default, the images
    /// are read for the first step that needs them.
    ///
    /// # Errors
    /// They are there but cannot be read.
    fn training_moments(&self) -> Result<Option<Moments>> {
        Ok(None)
    }
}

/// What a data set may use to find itself.
#[derive(Clone, Debug, Default)]
pub struct DataContext {
    /// Folders to search for data, most specific first.
    pub roots: Vec<PathBuf>,
}

/// The config of a data set plugin.
pub trait DatasetConfig: PluginConfig {
    /// Opens the set.
    ///
    /// # Errors
    /// The data is missing (say where it was looked for and how to get it),
    /// truncated or malformed.
    fn build(&self, cx: &DataContext) -> Result<Box<dyn Dataset>>;
}
