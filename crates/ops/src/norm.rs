//! How long a tensor is, which says whether a gradient vanishes, grows or is no
//! number.

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use crate::operands::with_floats;

const NAME: &str = "squared_norm";
/// Values a thread adds up at a time. Their sums are added in order, so that the
/// number of threads changes nothing.
const BLOCK: usize = 64 << 10;
/// Sums side by side, which the compiler keeps in vectors of any width.
const LANES: usize = 8;

/// The sum of the squares of a float32 tensor's values, in double precision: no
/// finite values overflow it.
///
/// # Errors
/// The tensor is not float32.
pub fn squared_norm(x: &Tensor) -> Result<f64> {
    if !x.device().is_cpu() {
        return x.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar();
    }
    with_floats(NAME, x, |values| Ok(of_slice(values)))
}

fn of_slice(values: &[f32]) -> f64 {
    let blocks: Vec<f64> = values.par_chunks(BLOCK).map(of_block).collect();
    blocks.iter().sum()
}

fn of_block(values: &[f32]) -> f64 {
    let (eights, rest) = values.as_chunks::<LANES>();
    let mut sums = [0f64; LANES];
    for eight in eights {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let rest: f64 = rest.iter().map(|value| f64::from(*value).powi(2)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::testing::noise;

    fn of(values: Vec<f32>) -> Result<f64> {
        let len = values.len();
        squared_norm(&Tensor::from_vec(values, len, &Device::Cpu)?)
    }

    #[test]
    fn agrees_with_a_plain_sum_at_every_size() -> Result<()> {
        for len in [0, 1, 7, 8, 9, BLOCK - 1, BLOCK, 2 * BLOCK + 5] {
            let values = noise(len as u64, len);
            let wanted: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
            let found = of(values)?;
            assert!(
                (found - wanted).abs() <= 1e-12 * wanted,
                "{len}: {found}, {wanted}"
            );
        }
        Ok(())
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() -> Result<()> {
        let values = noise(3, 5 * BLOCK + 3);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| of_slice(&values))
        };
        assert_eq!(on(1).to_bits(), on(3).to_bits());
        Ok(())
    }

    #[test]
    fn the_largest_values_do_not_overflow_and_nan_shows() -> Result<()> {
        let large = of(vec![f32::MAX; 1000])?;
        assert!(large.is_finite() && large > 1e79, "{large}");
        assert!(of(vec![1.0, f32::NAN, 1.0])?.is_nan());
        assert_eq!(of(vec![f32::NEG_INFINITY])?, f64::INFINITY);
        // Squares of the smallest are not lost to zero either.
        assert!(of(vec![1e-40])? > 0.0);
        Ok(())
    }

    #[test]
    fn a_view_is_as_long_as_its_own_values() -> Result<()> {
        let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
        assert_eq!(squared_norm(&x.narrow(1, 1, 1)?)?, 20.0);
        assert_eq!(squared_norm(&x.t()?)?, 30.0);
        Ok(())
    }
}
