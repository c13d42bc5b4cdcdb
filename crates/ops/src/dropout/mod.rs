//! Dropout (paper, section 4.2) with masks that are computed, never stored.
//!
//! This is inverted dropout: what is kept is divided by the chance of being
//! kept while training, and nothing is done at test time. The paper instead
//! leaves the kept values alone and multiplies by 0.5 at test time. Both give
//! every unit the same expected output in training and testing; the networks
//! differ by a factor that the next layer's weights absorb.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod op;
mod slices;
#[cfg(test)]
mod tests;

pub use op::dropout;
pub use slices::{Mask, dropout_backward, dropout_forward};
