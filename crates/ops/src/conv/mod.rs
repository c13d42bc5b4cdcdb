//! Two-dimensional convolution (cross-correlation, as every deep learning
//! library means it) with groups, its bias and its activation, and the three
//! gradients. Not here: pooling and normalisation.

mod activation_gradient;
mod correlate;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod op;
#[cfg(test)]
mod op_tests;
mod packing;
mod pairing;
mod pass;
mod plan;
mod shape;
mod side;
mod slices;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod weight_gradient;

pub use activation_gradient::activation_gradient;
pub use op::{Conv2dConfig, conv2d};
pub use plan::ConvPlan;
pub use shape::{ConvShape, ConvShapeError};
pub use slices::{conv2d_backward, conv2d_forward};
