//! The exact paired permutation test.

use super::mean;

/// The most pairs whose sign flips are all tried (2^20 of them).
pub const MOST_FLIPS: usize = 20;

/// Two-sided p-value of the exact sign-flip test that paired differences are
/// symmetric about zero: the share of all 2^n ways to swap the two sides of
/// pairs whose mean is at least as far from zero as the observed one.
///
/// It assumes no distribution, but n pairs cannot give less than 2^(1-n): 0.25
/// for three. `None` for no pairs, or more than [`MOST_FLIPS`].
pub fn sign_flip_p(differences: &[f64]) -> Option<f64> {
    let n = differences.len();
    if n == 0 || n > MOST_FLIPS || differences.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let observed = mean(differences).abs();
    // Flips that tie in exact arithmetic must tie here too.
    let least = observed * (1.0 - 1e-12);
    let as_far = (0..1_u32 << n)
        .filter(|flips| flipped_mean(differences, *flips).abs() >= least)
        .count();
    Some(as_far as f64 / (1_u32 << n) as f64)
}

fn flipped_mean(differences: &[f64], flips: u32) -> f64 {
    let signed = differences.iter().enumerate().map(|(index, value)| {
        if flips >> index & 1 == 1 {
            -value
        } else {
            *value
        }
    });
    signed.sum::<f64>() / differences.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.permutation_test((x,), mean, permutation_type='samples', n_resamples=inf)
    #[test]
    fn matches_scipy() {
        assert_eq!(sign_flip_p(&[-1.9, -0.7, -1.4, -2.3, -1.1]), Some(0.0625));
        assert_eq!(sign_flip_p(&[0.8, -0.2, 1.5, 0.4, 0.9, -0.1]), Some(0.125));
    }

    #[test]
    fn the_least_and_the_greatest_p() {
        assert_eq!(sign_flip_p(&[0.1, 0.2, 0.3]), Some(0.25));
        assert_eq!(sign_flip_p(&[5.0]), Some(1.0));
        assert_eq!(sign_flip_p(&[0.0, 0.0, 0.0]), Some(1.0));
        assert_eq!(sign_flip_p(&[]), None);
        assert_eq!(sign_flip_p(&[f64::NAN]), None);
        let least = 2.0 / f64::from(1_u32 << MOST_FLIPS);
        assert_eq!(sign_flip_p(&[1.0; MOST_FLIPS]), Some(least));
        assert_eq!(sign_flip_p(&[1.0; MOST_FLIPS + 1]), None);
    }
}
