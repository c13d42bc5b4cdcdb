//! The L2 norm of a large gradient, as PyTorch takes it.

/// The norms that a stored `grad_norm` may be: the exact one, and the one
/// PyTorch computes in float32.
///
/// PyTorch adds squares up in eight running float32 sums. Over the 38 million
/// entries of AlexNet's first linear layer each sum grows so large that small
/// squares round away, and the norm falls short by a thousandth, which is as much
/// as a gradient may be off. Summing alike compares gradients, not summations.
pub fn norms(values: &[f32]) -> [f64; 2] {
    let exact = values
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum::<f64>();
    [exact.sqrt(), f64::from(float_norm(values))]
}

fn float_norm(values: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value * value;
        }
    }
    let sum = sums
        .into_iter()
        .reduce(|sum, other| sum + other)
        .unwrap_or(0.0);
    rest.iter()
        .fold(sum, |sum, value| sum + value * value)
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_norms_agree_where_float32_suffices() {
        let values: Vec<f32> = (0..19).map(|i| i as f32).collect();
        let [exact, float] = norms(&values);
        assert_eq!(exact, 2109f64.sqrt());
        assert!((float / exact - 1.0).abs() < 1e-7, "{float} {exact}");
    }

    #[test]
    fn the_float32_norm_falls_short_where_pytorchs_does() {
        // `torch.full((20_000_000,), 1e-3).norm()` of PyTorch 2.15.
        const PYTORCH: f64 = 4.417_737_483_978_271_5;
        let [exact, float] = norms(&vec![1e-3; 20_000_000]);
        assert!((exact / 20f64.sqrt() - 1.0).abs() < 1e-7, "{exact}");
        assert!((float / PYTORCH - 1.0).abs() < 1e-6, "{float}");
    }
}
