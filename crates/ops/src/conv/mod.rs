//! Two-dimensional convolution (cross-correlation, as every deep learning
//! library means it) with groups, its bias and its activation, and the three
//! gradients. Not here: pooling and normalisation.

mod op;
mod shape;
mod slices;

pub use op::{Conv2dConfig, conv2d};
pub use shape::{ConvShape, ConvShapeError};
pub use slices::{conv2d_backward, conv2d_forward};
