//! What is measured of a prediction: the loss and the top-1 and top-5 errors
//! (paper, section 2).
//!
//! Each metric scores one image, lower for a better prediction; the mean over images
//! is the caller's to take.
//! This crate must never know a model, a batch, a split or a device.

mod loss;
mod top_k;

pub use loss::Loss;
pub use top_k::{Top1Error, Top5Error};
