//! The training loss: mean softmax cross-entropy (paper, section 3.5: the
//! network maximises the mean log-probability of the correct label).

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod op;
mod slices;
#[cfg(test)]
mod tests;

pub use op::cross_entropy;
pub use slices::log_softmax;
