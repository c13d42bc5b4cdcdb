//! Response normalisation against plain loops in double precision, on every
//! instruction set.

use candle_core::{Device, Result, Tensor};

use super::slices::{backward_at, forward_at};
use super::*;
use crate::testing::{EDGES, assert_gradient, assert_near, noise};
use crate::{Level, Split};

pub(super) fn norms() -> Vec<Lrn> {
    let paper = Lrn::default();
    let torch = Lrn {
        alpha: 0.7,
        k: 1.0,
        convention: AlphaConvention::DividedBySize,
        ..paper
    };
    vec![
        paper,
        Lrn { size: 1, ..torch },
        Lrn { size: 2, ..torch },
        Lrn {
            size: 4,
            beta: 0.5,
            ..torch
        },
        Lrn {
            size: 11,
            beta: 1.0,
            ..torch
        },
        Lrn {
            size: 3,
            beta: 0.6,
            ..torch
        },
        Lrn {
            size: 50,
            convention: AlphaConvention::Paper,
            ..torch
        },
        Lrn {
            alpha: 0.0,
            beta: 0.0,
            ..torch
        },
    ]
}

/// Channels and pixels of one image.
const PLANES: [[usize; 2]; 6] = [[1, 1], [1, 19], [7, 64], [12, 65], [5, 130], [33, 9]];

fn naive_sums(lrn: &Lrn, [channels, pixels]: [usize; 2], image: &[f64]) -> Vec<f64> {
    let [before, after] = [lrn.size / 2, (lrn.size - 1) / 2];
    let weight = match lrn.convention {
        AlphaConvention::Paper => lrn.alpha,
        AlphaConvention::DividedBySize => lrn.alpha / lrn.size as f64,
    };
    (0..channels * pixels)
        .map(|at| {
            let (channel, pixel) = (at / pixels, at % pixels);
            let window = channel.saturating_sub(before)..(channel + after + 1).min(channels);
            let squares = window.map(|c| image[c * pixels + pixel].powi(2));
            lrn.k + weight * squares.sum::<f64>()
        })
        .collect()
}

fn naive_forward(lrn: &Lrn, planes: [usize; 2], x: &[f32]) -> Vec<f64> {
    let x: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let images = x.chunks(planes[0] * planes[1]);
    images
        .flat_map(|image| {
            let sums = naive_sums(lrn, planes, image);
            let values = image.iter().zip(sums);
            values
                .map(|(x, sum)| x * sum.powf(-lrn.beta))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn naive_backward(lrn: &Lrn, planes: [usize; 2], x: &[f32], gy: &[f32]) -> Vec<f64> {
    let weight = lrn.weight();
    let [before, after] = [lrn.size / 2, (lrn.size - 1) / 2];
    let [channels, pixels] = planes;
    let double = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let (x, gy) = (double(x), double(gy));
    let images = x
        .chunks(channels * pixels)
        .zip(gy.chunks(channels * pixels));
    let mut gx = Vec::new();
    for (x, gy) in images {
        let sums = naive_sums(lrn, planes, x);
        let mut image = vec![0.0; x.len()];
        for at in 0..x.len() {
            let (channel, pixel) = (at / pixels, at % pixels);
            image[at] += gy[at] * sums[at].powf(-lrn.beta);
            for c in channel.saturating_sub(before)..(channel + after + 1).min(channels) {
                let other = c * pixels + pixel;
                image[other] -= 2.0
                    * lrn.beta
                    * weight
                    * x[other]
                    * gy[at]
                    * x[at]
                    * sums[at].powf(-lrn.beta - 1.0);
            }
        }
        gx.extend(image);
    }
    gx
}

#[test]
fn both_passes_agree_with_plain_loops_on_every_level() {
    for lrn in norms() {
        for (seed, planes) in (0..).zip(PLANES) {
            for (batch, scale) in [(1, 1.0), (3, 10.0)] {
                let len = batch * planes[0] * planes[1];
                let x: Vec<_> = noise(seed, len).iter().map(|x| x * scale).collect();
                let gy = noise(seed + 50, len);
                for level in Level::available() {
                    let what = format!("{lrn:?} {planes:?} x {batch} at {level:?}");
                    let mut y = vec![f32::NAN; len];
                    forward_at((level, Split::Threads), &lrn, batch, planes, &x, &mut y);
                    assert_near(&what, &y, &naive_forward(&lrn, planes, &x), 1e-6);
                    let mut gx = vec![f32::NAN; len];
                    backward_at(
                        (level, Split::Threads),
                        &lrn,
                        batch,
                        planes,
                        &x,
                        &gy,
                        &mut gx,
                    );
                    assert_near(&what, &gx, &naive_backward(&lrn, planes, &x, &gy), 5e-6);
                }
            }
        }
    }
}

#[test]
fn a_constant_too_close_to_zero_is_refused() {
    let with = |k: f64, beta: f64| {
        Lrn {
            k,
            beta,
            ..Lrn::default()
        }
        .check()
    };
    // 1e-39 has a power that is finite and no reciprocal in float32; 1e-30 the reverse.
    for (k, beta) in [(0.0, 0.75), (1e-60, 0.75), (1e-39, 0.5), (1e-30, 2.0)] {
        assert_eq!(with(k, beta), Err(LrnError::Vanishing { k }), "beta {beta}");
    }
    for (k, beta) in [(1.0, 0.75), (1e-30, 0.75), (2.0, 0.0)] {
        assert_eq!(with(k, beta), Ok(()), "k {k}, beta {beta}");
    }
}

#[test]
fn a_large_neighbour_leaves_no_trace_behind() {
    // A running sum would keep the rounding error of channel 0 in channel 9.
    let lrn = Lrn {
        size: 3,
        alpha: 1.0,
        k: 1.0,
        ..Lrn::default()
    };
    let mut x = vec![0.5f32; 10];
    x[0] = 1e6;
    let mut y = vec![0.0; 10];
    lrn_forward(Split::Threads, &lrn, 1, [10, 1], &x, &mut y);
    let wanted = 0.5 * (1.0 + 2.0 * 0.25f64).powf(-0.75);
    assert!((f64::from(y[9]) - wanted).abs() < 1e-7, "{} {wanted}", y[9]);
}

/// What both passes must give where a sum of squares is beyond float32: nothing, as in
/// PyTorch, for its inverse power is.
fn without_overflow(sums: &[f64], wanted: Vec<f64>) -> Vec<f64> {
    let is_within = |sum: &f64| *sum <= f64::from(f32::MAX);
    let pairs = wanted.into_iter().zip(sums);
    pairs
        .map(|(wanted, sum)| if is_within(sum) { wanted } else { 0.0 })
        .collect()
}

#[test]
fn the_edges_of_float32_give_values_and_never_nan() {
    let planes = [6, 2];
    let mut overflowed = 0;
    for lrn in norms() {
        for edge in EDGES {
            // Alike, with one sign after the other, and alone among ordinary ones.
            let alike = vec![edge; 12];
            let turned: Vec<_> = (0..12).map(|i| [edge, -edge][i % 2]).collect();
            let mut alone = noise(3, 12);
            alone[6] = edge;
            for x in [alike, turned, alone] {
                let wide: Vec<f64> = x.iter().copied().map(f64::from).collect();
                let sums = naive_sums(&lrn, planes, &wide);
                let wanted = without_overflow(&sums, naive_forward(&lrn, planes, &x));
                overflowed += usize::from(sums.iter().any(|sum| *sum > f64::from(f32::MAX)));
                for level in Level::available() {
                    let what = format!("{lrn:?}, {edge:e} at {level:?}");
                    let mut y = vec![f32::NAN; 12];
                    forward_at((level, Split::Threads), &lrn, 1, planes, &x, &mut y);
                    for (y, wanted) in y.iter().zip(&wanted) {
                        let error = (f64::from(*y) - wanted).abs();
                        // Beside what is relative, half of the least number there is.
                        assert!(error <= 1e-5 * wanted.abs() + 1e-45, "{what}: {y} {wanted}");
                    }
                    let mut gx = vec![f32::NAN; 12];
                    backward_at(
                        (level, Split::Threads),
                        &lrn,
                        1,
                        planes,
                        &x,
                        &[1.0; 12],
                        &mut gx,
                    );
                    let wanted = naive_backward(&lrn, planes, &x, &[1.0; 12]);
                    for ((gx, wanted), sum) in gx.iter().zip(wanted).zip(&sums) {
                        // Beyond a tenth of float32's largest the shares overflow, too.
                        let is_near = (f64::from(*gx) - wanted).abs() <= 1e-4 * wanted.abs() + 1e-6;
                        let is_beyond = *sum > 0.1 * f64::from(f32::MAX);
                        assert!(gx.is_finite(), "{what}: {gx}");
                        assert!(is_near || is_beyond, "{what}: {gx} {wanted}");
                    }
                }
            }
        }
    }
    assert!(overflowed > 0, "no sum was beyond float32");
}

#[test]
fn an_infinite_or_undefined_value_shows() {
    let lrn = Lrn::default();
    for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let mut x = vec![1.0; 6];
        x[2] = bad;
        for level in Level::available() {
            let mut y = vec![0.0; 6];
            forward_at((level, Split::Threads), &lrn, 1, [6, 1], &x, &mut y);
            assert!(y[2].is_nan(), "{bad} at {level:?}: {y:?}");
            assert!((y[5] - 0.594).abs() < 1e-3, "{bad} at {level:?}: {y:?}");
            let mut gx = vec![0.0; 6];
            backward_at(
                (level, Split::Threads),
                &lrn,
                1,
                [6, 1],
                &x,
                &[1.0; 6],
                &mut gx,
            );
            assert!(gx[2].is_nan(), "{bad} at {level:?}: {gx:?}");
        }
    }
}

#[test]
fn op_has_the_right_gradient() -> Result<()> {
    for lrn in norms() {
        let x = Tensor::from_vec(noise(5, 2 * 6 * 3), (2, 6, 3, 1), &Device::Cpu)?;
        assert_gradient(&format!("{lrn:?}"), &x, |x| local_response_norm(x, &lrn))?;
    }
    Ok(())
}

#[test]
fn op_takes_any_layout_and_refuses_the_rest() -> Result<()> {
    let lrn = Lrn {
        alpha: 0.5,
        ..Lrn::default()
    };
    let x = Tensor::from_vec(noise(3, 2 * 3 * 4 * 6), (2, 3, 4, 6), &Device::Cpu)?;
    let view = x.transpose(1, 3)?;
    let found = local_response_norm(&view, &lrn)?;
    let wanted = local_response_norm(&view.copy()?, &lrn)?;
    assert_eq!(found.dims(), [2, 6, 4, 3]);
    assert_eq!(
        found.flatten_all()?.to_vec1::<f32>()?,
        wanted.flatten_all()?.to_vec1::<f32>()?
    );

    let message = |x: &Tensor, lrn: Lrn| {
        let result = local_response_norm(x, &lrn);
        result.expect_err("must be refused").to_string()
    };
    let size = message(&x, Lrn { size: 0, ..lrn });
    assert!(size.contains("at least 1"), "{size}");
    let beta = message(
        &x,
        Lrn {
            beta: f64::NAN,
            ..lrn
        },
    );
    assert!(beta.contains("beta"), "{beta}");
    let flat = message(&x.flatten_all()?, lrn);
    assert!(flat.contains("[N, C, ...]"), "{flat}");
    Ok(())
}
