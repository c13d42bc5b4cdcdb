//! Mean, standard deviation and Student t interval of a handful of numbers.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Interval;

/// Confidence of every interval in a report.
pub const CONFIDENCE: f64 = 0.95;

/// What a handful of numbers says about the mean they were drawn around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many numbers there are; at least one.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1 in the denominator); `None` for one number.
    pub sd: Option<f64>,
    /// 95% Student t interval of the mean; `None` for one number.
    pub interval: Option<Interval>,
}

impl Sample {
    /// Summarises `values`; `None` where there are none or one is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let n = values.len();
        let mean = mean(values);
        let sd = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1) as f64).sqrt()
        });
        let interval = sd.map(|sd| {
            let half = t_quantile(n - 1) * sd / (n as f64).sqrt();
            Interval::new(mean - half, mean + half)
        });
        Some(Self {
            n,
            mean,
            sd,
            interval,
        })
    }
}

/// The arithmetic mean; NaN for no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Whether the values differ by more than the rounding of the arithmetic that
/// made them. Without spread there is nothing to build an interval from.
pub fn has_spread(values: &[f64]) -> bool {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low > (1e-9 * low.abs().max(high.abs())).max(1e-11)
}

/// Two-sided p-value of Student's one-sample t test that the mean is zero;
/// `None` for fewer than two values or values without spread.
pub fn t_test_p(values: &[f64]) -> Option<f64> {
    let sample = Sample::of(values)?;
    let sd = sample.sd.filter(|_| has_spread(values))?;
    let t = sample.mean / (sd / (sample.n as f64).sqrt());
    Some(2.0 * student(sample.n - 1)?.cdf(-t.abs()))
}

/// The t value that leaves half of 1 - [`CONFIDENCE`] above it.
pub(super) fn t_quantile(freedom: usize) -> f64 {
    student(freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + CONFIDENCE / 2.0))
}

fn student(freedom: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, reference: f64) {
        let error = (ours - reference).abs() / reference.abs();
        assert!(error < 1e-7, "{ours} against {reference}");
    }

    /// scipy.stats.t.ppf(0.975, df)
    #[test]
    fn quantiles_match_scipy() {
        for (freedom, reference) in [
            (1, 12.706204736174694),
            (2, 4.302652729749462),
            (4, 2.7764451051977934),
            (9, 2.262157162798205),
            (29, 2.045229642132703),
            (1000, 1.9623390808264083),
        ] {
            close(t_quantile(freedom), reference);
        }
    }

    #[test]
    fn spread_is_more_than_rounding_at_any_size() {
        for size in [1.0, -1.0, 1e6, -1e6] {
            assert!(!has_spread(&[size, size, size * (1.0 + 1e-10)]), "{size}");
            assert!(has_spread(&[size, size, size * (1.0 + 1e-8)]), "{size}");
            assert!(has_spread(&[0.0, size]) && has_spread(&[-1e-3 * size, size]));
        }
        assert!(!has_spread(&[0.0, 1e-12]) && has_spread(&[0.0, 1e-10]));
        assert!(!has_spread(&[]) && !has_spread(&[0.5]));
    }

    /// numpy mean, std(ddof=1); mean -+ scipy.stats.t.ppf(0.975, n - 1) * sd / sqrt(n)
    #[test]
    fn samples_match_scipy() {
        let sample = Sample::of(&[-1.9, -0.7, -1.4, -2.3, -1.1]).expect("five numbers");
        close(sample.mean, -1.48);
        close(sample.sd.expect("spread"), 0.6340346993658943);
        let interval = sample.interval.expect("interval");
        close(interval.low, -2.2672580598145777);
        close(interval.high, -0.6927419401854219);

        let sample = Sample::of(&[12.5, 13.25, 11.0]).expect("three numbers");
        close(sample.sd.expect("spread"), 1.14564392373896);
        close(sample.interval.expect("interval").low, 9.404062724802431);
    }

    /// scipy.stats.ttest_1samp(x, 0).pvalue
    #[test]
    fn t_test_matches_scipy() {
        let p = |values: &[f64]| t_test_p(values).expect("spread");
        close(p(&[-1.9, -0.7, -1.4, -2.3, -1.1]), 0.0064294153604199655);
        close(p(&[0.8, -0.2, 1.5, 0.4, 0.9, -0.1]), 0.0919118638424388);
    }

    #[test]
    fn few_equal_and_broken_numbers() {
        assert_eq!(Sample::of(&[]), None);
        assert_eq!(Sample::of(&[1.0, f64::NAN]), None);
        let one = Sample::of(&[3.0]).expect("one number");
        assert_eq!(
            (one.n, one.mean, one.sd, one.interval),
            (1, 3.0, None, None)
        );
        let equal = Sample::of(&[2.0, 2.0]).expect("two numbers");
        assert_eq!(equal.interval, Some(Interval::new(2.0, 2.0)));
        assert_eq!(t_test_p(&[2.0, 2.0, 2.0]), None);
        assert_eq!(t_test_p(&[2.0]), None);
        // The rounding of (0.3 - 0.2) * 100 is not spread.
        assert!(!has_spread(&[(0.3 - 0.2) * 100.0, (0.4 - 0.3) * 100.0]));
        assert!(has_spread(&[10.0, 10.01]));
        assert!(!has_spread(&[]));
    }
}
