//! The fully connected layer with its bias and its activation, and the three
//! gradients.

#[cfg(feature = "cuda")]
mod cuda;
mod forward;
mod input_gradient;
mod op;
#[cfg(test)]
mod op_tests;
mod operands;
mod plan;
mod slices;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod weight_gradient;

pub use op::linear;
pub use plan::LinearPlan;
pub use slices::{linear_backward, linear_forward};
