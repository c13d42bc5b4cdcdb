//! In-place update rules, each one sweep through memory: a parameter, its state
//! and its gradient are read once and written once. Which rule to use when, and
//! at what rate, is the optimisers' business.

mod adam;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod sgd;
mod targets;
#[cfg(test)]
mod tests;

pub use adam::{AdamStep, adam, adam_slices};
pub use sgd::{sgd, sgd_paper, sgd_paper_slices, sgd_slices};

/// Values of a parallel task. Every value is computed by itself, so it affects
/// speed alone.
const CHUNK: usize = 16 * 1024;
