//! What the tests of several kernels share.

use crate::{Level, Precision};

/// Numbers in -1..1 that differ from place to place, in multiples of 2^-23.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Magnitudes at the edges of float32 and of bfloat16, which has float32's exponents:
/// the least number, those on either side of the least normal one, one whose square is
/// the least normal one, one whose square is the largest, the largest of bfloat16, what
/// bfloat16 rounds to infinity, and the largest of float32.
pub const EDGES: [f32; 8] = [
    1e-45,
    1.175_494_2e-38,
    f32::MIN_POSITIVE,
    1.084_202_2e-19,
    1.844_674_3e19,
    f32::from_bits(0x7f7f_0000),
    f32::from_bits(0x7f7f_8000),
    f32::MAX,
];

/// All of them.
pub const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// What a kernel multiplies for a value, by another crate's rounding.
pub fn operand(precision: Precision, value: f32) -> f64 {
    match precision {
        Precision::F32 => f64::from(value),
        Precision::Bf16 => half::bf16::from_f32(value).to_f64(),
    }
}

/// Fails unless every number is within `tolerance` of the wanted one, relative to
/// the largest wanted magnitude.
pub fn assert_near(what: &str, found: &[f32], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let scale = wanted
        .iter()
        .fold(0.0, |scale: f64, value| scale.max(value.abs()));
    for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let error = (f64::from(*found) - wanted).abs();
        assert!(
            error <= tolerance * scale,
            "{what}: {found} at {index}, not {wanted} (of up to {scale})"
        );
    }
}

/// Fails unless every number is the wanted one, or NaN where that is NaN, or
/// within `tolerance` of it, absolute or relative to it.
pub fn assert_same(what: &str, found: &[f32], wanted: &[f32], tolerance: f32) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let error = (found - wanted).abs();
        assert!(
            found == wanted
                || found.is_nan() && wanted.is_nan()
                || error <= tolerance * wanted.abs().max(1.0),
            "{what}: {found} at {index}, not {wanted}"
        );
    }
}

/// Fails unless `compute` gives the same bits on 1, 2 and 5 threads.
pub fn assert_same_on_any_threads(what: &str, compute: impl Fn() -> Vec<f32> + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let values = pool.expect("a thread pool").install(&compute);
        values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let one = on(1);
    for threads in [2, 5] {
        assert!(
            on(threads) == one,
            "{what}: {threads} threads change the result"
        );
    }
}

/// Fails unless candle's gradient of `sum(f(x) * weights)`, for some fixed
/// weights, is the slope that differences of `f` give. `x` should stay away from
/// the kinks of `f` by more than 0.01.
pub fn assert_gradient(
    what: &str,
    x: &candle_core::Tensor,
    f: impl Fn(&candle_core::Tensor) -> candle_core::Result<candle_core::Tensor>,
) -> candle_core::Result<()> {
    use candle_core::{Tensor, Var};

    const STEP: f32 = 1e-2;
    let weights = |y: &Tensor| Tensor::from_vec(noise(99, y.elem_count()), y.shape(), y.device());
    let loss = |x: &Tensor| -> candle_core::Result<Tensor> {
        let y = f(x)?;
        (&y * weights(&y)?)?.sum_all()
    };
    // In double precision, lest the sum drown the difference.
    let value = |values: &[f32]| -> candle_core::Result<f64> {
        let y = f(&Tensor::from_slice(values, x.shape(), x.device())?)?;
        let weights = weights(&y)?.flatten_all()?.to_vec1::<f32>()?;
        let y = y.flatten_all()?.to_vec1::<f32>()?;
        Ok(y.iter()
            .zip(&weights)
            .map(|(y, w)| f64::from(*y) * f64::from(*w))
            .sum())
    };
    let var = Var::from_tensor(x)?;
    let gradients = loss(&var)?.backward()?;
    let gradient = gradients.get(&var).expect("x has a gradient");
    let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
    let mut values = x.flatten_all()?.to_vec1::<f32>()?;
    let mut slopes = Vec::new();
    for i in 0..values.len() {
        let here = values[i];
        let [above, below] = [here + STEP, here - STEP];
        values[i] = above;
        let up = value(&values)?;
        values[i] = below;
        let down = value(&values)?;
        values[i] = here;
        slopes.push((up - down) / f64::from(above - below));
    }
    assert_near(what, &gradient, &slopes, 1e-3);
    Ok(())
}

/// Fails unless one product alone, of `x` and `w`, is right at the edges of its operands
/// or overflows so that it shows. `run` gives it as the output (`x * w`), the gradient of
/// the input (for `x` as that of the output, `x * w`) and of the weight (`x * x`).
pub fn assert_products_at_edges(run: impl Fn(Level, Precision, f32, f32) -> [f32; 3]) {
    for precision in PRECISIONS {
        for level in Level::available() {
            for x in EDGES.into_iter().flat_map(|edge| [edge, -edge]) {
                for w in [1.0, -0.5, 2.0] {
                    let what = format!("{x:e} * {w} in {precision:?} at {level:?}");
                    let [y, gx, gw] = run(level, precision, x, w);
                    let given = f64::from(x);
                    let [x, w] = [x, w].map(|value| operand(precision, value));
                    for (found, wanted) in [(y, x * w), (gx, x * w), (gw, x * x)] {
                        // Bfloat16's own instructions take what is no normal number
                        // for zero, also where it would be rounded up to one. What
                        // overflows shows; where a kernel pads rows with zeros, infinity
                        // times zero is NaN.
                        let least = f64::from(f32::MIN_POSITIVE);
                        let is_right = match (wanted as f32).is_finite() {
                            true => found == wanted as f32,
                            false => !found.is_finite(),
                        };
                        let is_small = given.abs() < least || wanted.abs() < least;
                        let is_zero = precision == Precision::Bf16 && is_small && found == 0.0;
                        assert!(is_right || is_zero, "{what}: {found:e}, not {wanted:e}");
                    }
                }
            }
            for bad in [f32::NAN, f32::from_bits(u32::MAX)] {
                let found = run(level, precision, bad, 1.0);
                assert!(
                    found.iter().all(|value| value.is_nan()),
                    "{precision:?} at {level:?}"
                );
            }
            let found = run(level, precision, f32::INFINITY, -1.0);
            assert!(
                found.iter().all(|value| !value.is_finite()),
                "{precision:?} at {level:?}: {found:?}"
            );
        }
    }
}
