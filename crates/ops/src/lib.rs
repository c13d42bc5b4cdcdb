//! Training kernels that candle lacks or has slow, each with its backward pass.
//!
//! An operation is a candle custom op over tensors, which fits into any candle model;
//! below it a function over slices (`forward`, `backward`); and, for what the fused
//! `Stack` of `ablate-nn` runs, a kernel over [`Lanes`], sixteen images side by side
//! ([`ConvPlan`], [`LinearPlan`], `max_pool2d_lanes_*`). All results are the same bits
//! whatever the thread count.
//!
//! This crate must never know a plugin, a config or a model.

mod activation;
mod affine;
mod conv;
#[cfg(any(test, feature = "cuda"))]
mod cuda;
mod dropout;
mod gpu;
mod lanes;
mod linear;
mod loss;
mod lrn;
mod memory;
mod multiversion;
mod norm;
mod operands;
mod pool;
mod precision;
mod shared;
mod simd;
mod split;
mod staging;
mod tape;
#[cfg(test)]
mod testing;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod update;
mod vector;

pub use activation::{Activation, activation, activation_backward, activation_forward};
pub use conv::{
    Conv2dConfig, ConvPlan, ConvShape, ConvShapeError, activation_gradient, conv2d,
    conv2d_backward, conv2d_forward,
};
pub use dropout::{Mask, dropout, dropout_backward, dropout_forward};
pub use gpu::gpu;
pub use lanes::{LANES, Lanes, deinterleave, interleave};
pub use linear::{LinearPlan, linear, linear_backward, linear_forward};
pub use loss::{cross_entropy, log_softmax};
pub use lrn::{AlphaConvention, Lrn, LrnError, local_response_norm, lrn_backward, lrn_forward};
pub use memory::{keep_freed_memory, on_large_pages};
pub use norm::squared_norm;
pub use pool::{
    PoolShape, PoolShapeError, Winners, max_pool2d, max_pool2d_backward, max_pool2d_forward,
    max_pool2d_lanes_backward, max_pool2d_lanes_forward,
};
pub use precision::Precision;
pub use simd::{Level, check_level, level};
pub use split::Split;
pub use staging::Staging;
pub use tape::{Tape, reshape};
pub use update::{AdamStep, adam, adam_slices, sgd, sgd_paper, sgd_paper_slices, sgd_slices};
