//! Training kernels that candle lacks or has slow, each with its backward pass.
//!
//! Every operation exists twice: as a function over slices (`forward`,
//! `backward`), which the fused `Stack` of `ablate-nn` drives
//! without allocating, and as a candle custom op over tensors, which fits into
//! any candle model. All results are the same bits whatever the thread count.
//!
//! This crate must never know a plugin, a config or a model.

mod activation;
mod conv;
mod lanes;
mod linear;
mod operands;
mod shared;
mod simd;
mod vector;

pub use activation::Activation;
pub use conv::{
    Conv2dConfig, ConvPlan, ConvShape, ConvShapeError, activation_gradient, conv2d,
    conv2d_backward, conv2d_forward,
};
pub use lanes::{LANES, Lanes, deinterleave, interleave};
pub use linear::{linear, linear_backward, linear_forward};
pub use simd::{Level, level};
