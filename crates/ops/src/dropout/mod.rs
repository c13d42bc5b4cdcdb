//! Dropout (paper, section 4.2) with masks that are computed, never stored.

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
