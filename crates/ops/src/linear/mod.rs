//! The fully connected layer with its bias and its activation, and the three
//! gradients.

mod op;
mod slices;

pub use op::linear;
pub use slices::{linear_backward, linear_forward};
