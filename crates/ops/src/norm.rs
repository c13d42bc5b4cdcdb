//! How long tensors are together, which says whether a gradient vanishes, grows or is
//! no number.

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use crate::operands::with_floats;

const NAME: &str = "squared_norm";
/// Values a thread adds up at a time. Their sums are added in order, so that the
/// number of threads changes nothing.
const BLOCK: usize = 64 << 10;
/// Sums side by side, which the compiler keeps in vectors of any width.
const SUMS: usize = 8;

/// The sum of the squares of all values of float32 tensors on one device, in double
/// precision: no finite values overflow it.
///
/// # Errors
/// A tensor is not float32.
pub fn squared_norm(tensors: &[Tensor]) -> Result<f64> {
    match tensors.first() {
        Some(first) if !first.device().is_cpu() => elsewhere(tensors),
        _ => {
            let of = |x| with_floats(NAME, x, |values| Ok(of_slice(values)));
            tensors.iter().map(of).sum()
        }
    }
}

/// The same by candle's operations, of which the host waits for one. They add up a row
/// by a few threads, so that many short rows keep a GPU busy where a long one does not.
fn elsewhere(tensors: &[Tensor]) -> Result<f64> {
    const ROW: usize = 4096;
    let squares = |x: &Tensor| x.to_dtype(DType::F64)?.sqr();
    let mut sums = Vec::new();
    for x in tensors {
        let x = x.flatten_all()?;
        let rows = x.elem_count() / ROW;
        let rest = x.elem_count() % ROW;
        if rows > 0 {
            let x = x.narrow(0, 0, rows * ROW)?.reshape((rows, ROW))?;
            sums.push(squares(&x)?.sum(1)?);
        }
        if rest > 0 {
            let x = x.narrow(0, rows * ROW, rest)?;
            sums.push(squares(&x)?.sum_keepdim(0)?);
        }
    }
    match sums.is_empty() {
        true => Ok(0.0),
        false => Tensor::cat(&sums, 0)?.sum_all()?.to_scalar(),
    }
}

fn of_slice(values: &[f32]) -> f64 {
    let blocks: Vec<f64> = values.par_chunks(BLOCK).map(of_block).collect();
    blocks.iter().sum()
}

fn of_block(values: &[f32]) -> f64 {
    let (eights, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0f64; SUMS];
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
        squared_norm(&[Tensor::from_vec(values, len, &Device::Cpu)?])
    }

    #[test]
    fn other_devices_operations_agree() -> Result<()> {
        let lens = [1, 4095, 4096, 4097, 3 * 4096 + 5];
        let tensors = lens.map(|len| Tensor::from_vec(noise(5, len), len, &Device::Cpu));
        let tensors = tensors.into_iter().collect::<Result<Vec<_>>>()?;
        for tensors in [&tensors[..], &tensors[..1], &tensors[2..3], &[]] {
            let (found, wanted) = (elsewhere(tensors)?, squared_norm(tensors)?);
            assert!(
                (found - wanted).abs() <= 1e-12 * wanted,
                "{found}, {wanted}"
            );
        }
        let large = Tensor::full(f32::MAX, (3, 2000), &Device::Cpu)?;
        assert!(elsewhere(&[large])?.is_finite());
        let bad = Tensor::full(f32::NAN, (1, 5000), &Device::Cpu)?;
        assert!(elsewhere(&[tensors[0].clone(), bad])?.is_nan());
        Ok(())
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
        assert_eq!(squared_norm(&[x.narrow(1, 1, 1)?])?, 20.0);
        assert_eq!(squared_norm(&[x.t()?, x])?, 60.0);
        Ok(())
    }
}
