//! Max-pooling with any window, stride and padding (paper, section 3.4), and
//! its gradient. Not here: other poolings, which the paper does not use.

mod contest;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod lanes;
mod op;
mod shape;
mod slices;
#[cfg(test)]
mod tests;

pub use lanes::{Winners, max_pool2d_lanes_backward, max_pool2d_lanes_forward};
pub use op::max_pool2d;
pub use shape::{PoolShape, PoolShapeError};
pub use slices::{max_pool2d_backward, max_pool2d_forward};
