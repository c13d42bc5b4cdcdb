//! A linear rise of the learning rate over the first steps.

use ablate_core::{Progress, Result};

use crate::range;

/// Fails unless `epochs` is a length of time.
pub(super) fn check(epochs: f64) -> Result<()> {
    range::non_negative("linear_warmup", epochs)
}

/// The factor in a warm-up of `epochs`: equal stairs, one a step, of which the
/// first is not 0 and the one that ends the warm-up is 1.
pub(super) fn factor(epochs: f64, progress: Progress) -> f64 {
    let steps = epochs * progress.steps_per_epoch as f64;
    let step = progress.epoch * progress.steps_per_epoch + progress.step + 1;
    if step as f64 >= steps {
        return 1.0;
    }
    step as f64 / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epochs: f64, epoch: usize, step: usize) -> f64 {
        let progress = Progress {
            epoch,
            step,
            steps_per_epoch: 4,
            epochs: 10,
        };
        factor(epochs, progress)
    }

    #[test]
    fn stairs_by_hand() {
        let first: Vec<f64> = (0..4).map(|step| at(2.0, 0, step)).collect();
        assert_eq!(first, [0.125, 0.25, 0.375, 0.5]);
        assert_eq!(
            (at(2.0, 1, 2), at(2.0, 1, 3), at(2.0, 2, 0)),
            (0.875, 1.0, 1.0)
        );
        // Half an epoch is two steps.
        assert_eq!((at(0.5, 0, 0), at(0.5, 0, 1)), (0.5, 1.0));
        assert_eq!(at(0.0, 0, 0), 1.0);
    }
}
