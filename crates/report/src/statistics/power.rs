//! How small an effect a number of pairs can see.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;

use super::sample::t_quantile;

/// The chance of seeing an effect that "detectable" stands for.
pub const POWER: f64 = 0.8;

/// The most pairs [`pairs_needed`] tries.
const MOST_PAIRS: usize = 1000;

/// The smallest mean, in standard deviations of the differences, that a
/// two-sided paired t test at 5% on `n` pairs finds in 80% of experiments.
/// `None` below two pairs.
pub fn detectable_effect(n: usize) -> Option<f64> {
    if n < 2 {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while power(n, high) < POWER {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match power(n, middle) < POWER {
            true => low = middle,
            false => high = middle,
        }
    }
    Some(high)
}

/// The fewest pairs that find a mean of `effect` standard deviations in 80% of
/// experiments. `None` where that takes more than a thousand, or `effect` is
/// zero or not a number.
pub fn pairs_needed(effect: f64) -> Option<usize> {
    let effect = effect.abs();
    if effect.is_nan() || power(MOST_PAIRS, effect) < POWER {
        return None;
    }
    let (mut low, mut high) = (1, MOST_PAIRS);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        match power(middle, effect) < POWER {
            true => low = middle,
            false => high = middle,
        }
    }
    Some(high)
}

/// The chance that a two-sided t test on `n` values around `effect` standard
/// deviations rejects a mean of zero.
fn power(n: usize, effect: f64) -> f64 {
    let critical = t_quantile(n - 1);
    let shift = effect * (n as f64).sqrt();
    1.0 - noncentral_t_cdf(critical, n - 1, shift) + noncentral_t_cdf(-critical, n - 1, shift)
}

/// P(T <= t) of the noncentral t distribution.
///
/// T = (Z + shift) / S, with Z standard normal and S the root of a chi-square
/// over its degrees of freedom, so the probability is the mean over S of
/// Phi(t S - shift); Simpson's rule over the density of S takes that mean.
fn noncentral_t_cdf(t: f64, freedom: usize, shift: f64) -> f64 {
    const STEPS: usize = 2000;
    let k = freedom as f64;
    let log_scale = (k / 2.0) * (k / 2.0).ln() + 2.0_f64.ln() - ln_gamma(k / 2.0);
    let density = |s: f64| match s > 0.0 {
        true => (log_scale + (k - 1.0) * s.ln() - k * s * s / 2.0).exp(),
        // The limit at zero; only one degree of freedom has mass there.
        false if freedom == 1 => log_scale.exp(),
        false => 0.0,
    };
    // S has mean near 1 and a standard deviation below 1 / sqrt(2 k).
    let reach = 9.0 / (2.0 * k).sqrt();
    let (from, to) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let step = (to - from) / STEPS as f64;
    let normal = Normal::standard();
    let integrand = |index: usize| {
        let s = from + step * index as f64;
        density(s) * normal.cdf(t * s - shift)
    };
    let weighted = (1..STEPS).map(|index| match index % 2 {
        1 => 4.0 * integrand(index),
        _ => 2.0 * integrand(index),
    });
    (integrand(0) + weighted.sum::<f64>() + integrand(STEPS)) * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.nct.cdf(t, df, nc)
    #[test]
    fn noncentral_t_matches_scipy() {
        for (t, freedom, shift, reference) in [
            (4.302652729911275, 2, 3.0, 0.6126106498198225),
            (2.0, 4, 1.0, 0.7645674538243243),
            (-1.0, 4, 1.0, 0.0327732953320278),
            (2.7764451051977987, 4, 4.0, 0.15670360485553542),
            (2.0, 50, 2.5, 0.3084620844633823),
            (2.2, 200, 3.1, 0.18476754314202015),
        ] {
            let ours = noncentral_t_cdf(t, freedom, shift);
            assert!(
                (ours - reference).abs() < 1e-7,
                "{ours} against {reference}"
            );
        }
    }

    /// statsmodels TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8)
    #[test]
    fn detectable_effect_matches_statsmodels() {
        for (n, reference) in [
            (2, 11.549889754978167),
            (3, 3.264043552819638),
            (4, 2.1279493431921157),
            (5, 1.6819970833232674),
            (10, 0.9960019107624178),
            (30, 0.5292357045238948),
        ] {
            let ours = detectable_effect(n).expect("two pairs or more");
            assert!(
                (ours / reference - 1.0).abs() < 1e-5,
                "{ours} against {reference}"
            );
        }
        assert_eq!(detectable_effect(1), None);
        assert_eq!(detectable_effect(0), None);
    }

    #[test]
    fn without_an_effect_a_test_at_5_percent_finds_one_in_twenty_times() {
        for n in [2, 3, 10, 200] {
            let found = power(n, 0.0);
            assert!((found - 0.05).abs() < 1e-6, "{n} values: {found}");
        }
    }

    /// ceil of statsmodels TTestPower().solve_power(effect_size=d, alpha=0.05, power=0.8)
    #[test]
    fn pairs_needed_match_statsmodels() {
        for (effect, reference) in [(0.5, 34), (1.0, 10), (-1.5, 6), (3.0, 4), (1e9, 2)] {
            assert_eq!(pairs_needed(effect), Some(reference));
        }
        assert_eq!(pairs_needed(0.0), None);
        assert_eq!(pairs_needed(1e-6), None);
        assert_eq!(pairs_needed(f64::NAN), None);
    }
}
