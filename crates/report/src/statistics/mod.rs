//! Statistics over seeds: plain functions of slices of numbers.
//!
//! Nothing here knows a trial, a metric or a claim. Only distribution functions
//! come from a library. References in the tests are SciPy 1.17 and statsmodels
//! 0.15.
//!
//! There is no bootstrap: with the three to five seeds an experiment can
//! afford, a resampled interval holds the true mean far less often than it
//! says, while the t interval stays honest.

mod holm;
mod interval;
mod permutation;
mod power;
mod sample;

pub use holm::holm;
pub use interval::Interval;
pub use permutation::{MOST_FLIPS, sign_flip_p};
pub use power::{POWER, detectable_effect, pairs_needed};
pub use sample::{CONFIDENCE, Sample, has_spread, mean, t_test_p};
