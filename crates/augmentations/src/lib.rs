//! The steps from a stored image to a network input: crops, reflections, PCA
//! colour and mean subtraction (paper, sections 2 and 4.1).
//!
//! Each is a plugin that `ablate-core`'s registry finds by name. Images come in
//! as float planes in the stored 0 to 255 range, and every step works in that
//! range, so a step that scales belongs at the end of a pipeline.
//!
//! This crate must never know a concrete data set, a model, a batch or the
//! training loop: a step sees one image, its own shape, and, while it is built,
//! the training split behind the `Dataset` trait.

mod check;
mod eigen;
mod mean_subtraction;
mod pca_colour;
mod per_image_mean;
mod random_crop;
mod reflection;
mod window;

pub use mean_subtraction::{Mean, MeanSubtraction, Scale};
pub use pca_colour::{Magnitude, PcaColour};
pub use per_image_mean::PerImageMean;
pub use random_crop::{Evaluation, RandomCrop};
pub use reflection::Reflection;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
