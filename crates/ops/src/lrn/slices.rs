//! Response normalisation over plain slices in `[N, C, pixels]` order.
//!
//! An image is worked on in tiles of neighbouring pixels, all channels of a tile
//! at a time: the registers run along the pixels, and the squares of a tile stay
//! in the cache. Sums are added up afresh for every channel; a running sum would
//! be no faster and carry its rounding errors from channel to channel.

use std::ops::Range;

use rayon::prelude::*;

use super::Lrn;
use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Pixels worked on together: a vector register of them.
const LANES: usize = 16;

/// Runs of [`LANES`] pixels in a tile.
const RUNS: usize = 4;

/// Neighbouring pixels, one register's worth.
type Run = [f32; LANES];

/// A value for each pixel of a tile.
type Row = [Run; RUNS];

/// `y` = the normalised `x`.
///
/// Both are `[N, C, pixels]` for a batch of `N` and `planes` of
/// `[C, pixels]`; any order of the pixels will do. `y` is overwritten.
///
/// # Panics
/// When a slice has another length than that, or the size is zero.
pub fn lrn_forward(lrn: &Lrn, batch: usize, planes: [usize; 2], x: &[f32], y: &mut [f32]) {
    forward_at(level(), lrn, batch, planes, x, y);
}

/// [`lrn_forward`] on one instruction set.
pub(super) fn forward_at(
    level: Level,
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    y: &mut [f32],
) {
    let image = check_lengths(lrn, batch, planes, &[("x", x.len()), ("y", y.len())]);
    let (terms, scratch) = (Terms::of(lrn), planes[0]);
    let forward = match terms.quarters {
        2 => forward_image::<2>,
        3 => forward_image::<3>,
        4 => forward_image::<4>,
        _ => forward_image::<0>,
    };
    x.par_chunks_exact(image)
        .zip(y.par_chunks_exact_mut(image))
        .for_each_init(
            || vec![Row::default(); scratch],
            |squares, (x, y)| forward(level, &terms, planes[1], squares, x, y),
        );
}

/// The gradient of [`lrn_forward`]: `gx` given `x` and `gy`, all `[N, C, pixels]`.
/// The sums are computed again, which is faster than keeping them. `gx` is
/// overwritten.
///
/// # Panics
/// When a slice has another length than that, or the size is zero.
pub fn lrn_backward(
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
) {
    backward_at(level(), lrn, batch, planes, x, gy, gx);
}

/// [`lrn_backward`] on one instruction set.
pub(super) fn backward_at(
    level: Level,
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
) {
    let lengths = [("x", x.len()), ("gy", gy.len()), ("gx", gx.len())];
    let image = check_lengths(lrn, batch, planes, &lengths);
    let (terms, scratch) = (Terms::of(lrn), 2 * planes[0]);
    let backward = match terms.quarters {
        2 => backward_image::<2>,
        3 => backward_image::<3>,
        4 => backward_image::<4>,
        _ => backward_image::<0>,
    };
    x.par_chunks_exact(image)
        .zip(gy.par_chunks_exact(image))
        .zip(gx.par_chunks_exact_mut(image))
        .for_each_init(
            || vec![Row::default(); scratch],
            |scratch, ((x, gy), gx)| backward(level, &terms, planes[1], scratch, x, gy, gx),
        );
}

/// Panics unless the slices hold `batch` images, and returns an image's length
/// (1 where there is nothing to do).
fn check_lengths(lrn: &Lrn, batch: usize, planes: [usize; 2], slices: &[(&str, usize)]) -> usize {
    assert!(lrn.size > 0, "response norm: the size must be at least 1");
    let image = planes[0] * planes[1];
    for (name, len) in slices {
        assert_eq!(
            *len,
            batch * image,
            "response norm: `{name}` has the wrong length for {batch} images of {planes:?}"
        );
    }
    image.max(1)
}

/// The numbers of a normalisation, in the form the kernels use.
pub(super) struct Terms {
    /// Channels in a sum before and after its own.
    pub reach: [usize; 2],
    /// Square root of the sum's weight: multiplying before squaring keeps the
    /// sum finite for inputs whose plain squares overflow.
    pub factor: f32,
    pub k: f32,
    pub beta: f32,
    /// Four times beta where a kernel is compiled for it, else 0.
    pub quarters: usize,
}

impl Terms {
    pub fn of(lrn: &Lrn) -> Self {
        Self {
            reach: lrn.reach(),
            factor: lrn.weight().sqrt() as f32,
            k: lrn.k as f32,
            beta: lrn.beta as f32,
            quarters: [2, 3, 4]
                .into_iter()
                .find(|quarters| lrn.beta == *quarters as f64 / 4.0)
                .unwrap_or(0),
        }
    }

    /// On the sum of the shares that make up a gradient: what the derivative of
    /// the power leaves over.
    pub fn gather_factor(&self) -> f32 {
        2.0 * self.beta * self.factor
    }

    /// The channels whose squares are in the sum of `channel`.
    fn summands(&self, channel: usize, channels: usize) -> Range<usize> {
        window(channel, self.reach, channels)
    }

    /// The channels in whose sum the square of `channel` is.
    fn sums(&self, channel: usize, channels: usize) -> Range<usize> {
        window(channel, [self.reach[1], self.reach[0]], channels)
    }
}

fn window(channel: usize, [before, after]: [usize; 2], channels: usize) -> Range<usize> {
    channel.saturating_sub(before)
        ..channel
            .saturating_add(after)
            .saturating_add(1)
            .min(channels)
}

multiversion! {
    /// Normalises one image; `squares` has a row for each channel.
    fn forward_image<const QUARTERS: usize>(
        terms: &Terms,
        pixels: usize,
        squares: &mut [Row],
        x: &[f32],
        y: &mut [f32],
    ) {
        for start in (0..pixels).step_by(LANES * RUNS) {
            let tile = start..pixels.min(start + LANES * RUNS);
            square(terms, pixels, tile.clone(), x, squares);
            let planes = x.chunks_exact(pixels).zip(y.chunks_exact_mut(pixels));
            for (channel, (x, y)) in planes.enumerate() {
                let rows = &squares[terms.summands(channel, squares.len())];
                let runs = x[tile.clone()].chunks(LANES).zip(y[tile.clone()].chunks_mut(LANES));
                for (run, (x, y)) in runs.enumerate() {
                    let (mut value, sum) = (load(x), sum(rows, run));
                    for lane in 0..LANES {
                        let [power, _] = powers::<QUARTERS>(terms.k + sum[lane], terms.beta);
                        value[lane] *= power;
                    }
                    y.copy_from_slice(&value[..y.len()]);
                }
            }
        }
    }
}

multiversion! {
    /// The gradient for one image; `scratch` has two rows for each channel.
    fn backward_image<const QUARTERS: usize>(
        terms: &Terms,
        pixels: usize,
        scratch: &mut [Row],
        x: &[f32],
        gy: &[f32],
        gx: &mut [f32],
    ) {
        let channels = scratch.len() / 2;
        let (squares, shares) = scratch.split_at_mut(channels);
        for start in (0..pixels).step_by(LANES * RUNS) {
            let tile = start..pixels.min(start + LANES * RUNS);
            square(terms, pixels, tile.clone(), x, squares);
            for channel in 0..channels {
                let rows = &squares[terms.summands(channel, channels)];
                let plane = channel * pixels + tile.start..channel * pixels + tile.end;
                let runs = x[plane.clone()].chunks(LANES).zip(gy[plane.clone()].chunks(LANES));
                let runs = runs.zip(gx[plane].chunks_mut(LANES)).enumerate();
                for (run, ((x, gy), gx)) in runs {
                    let (x, mut direct, sum) = (load(x), load(gy), sum(rows, run));
                    let mut share = Run::default();
                    for lane in 0..LANES {
                        let [power, inverse] =
                            powers::<QUARTERS>(terms.k + sum[lane], terms.beta);
                        direct[lane] *= power;
                        share[lane] = direct[lane] * (x[lane] * (terms.factor * inverse));
                    }
                    shares[channel][run] = share;
                    gx.copy_from_slice(&direct[..gx.len()]);
                }
            }
            let factor = terms.gather_factor();
            for channel in 0..channels {
                let rows = &shares[terms.sums(channel, channels)];
                let plane = channel * pixels + tile.start..channel * pixels + tile.end;
                let runs = x[plane.clone()].chunks(LANES).zip(gx[plane].chunks_mut(LANES));
                for (run, (x, gx)) in runs.enumerate() {
                    let (x, mut value, sum) = (load(x), load(gx), sum(rows, run));
                    for lane in 0..LANES {
                        value[lane] -= x[lane] * (factor * sum[lane]);
                    }
                    gx.copy_from_slice(&value[..gx.len()]);
                }
            }
        }
    }
}

/// The weighted squares of a tile, a row for each channel.
#[inline(always)]
fn square(terms: &Terms, pixels: usize, tile: Range<usize>, x: &[f32], squares: &mut [Row]) {
    for (x, row) in x.chunks_exact(pixels).zip(squares) {
        for (x, square) in x[tile.clone()].chunks(LANES).zip(row) {
            *square = load(x).map(|x| x * terms.factor).map(|x| x * x);
        }
    }
}

/// A run of values; zeros follow the last ones of a plane.
#[inline(always)]
fn load(values: &[f32]) -> Run {
    match values.try_into() {
        Ok(run) => run,
        Err(_) => {
            let mut run = Run::default();
            run[..values.len()].copy_from_slice(values);
            run
        }
    }
}

/// The sum of one run over the rows.
#[inline(always)]
fn sum(rows: &[Row], run: usize) -> Run {
    let mut sum = Run::default();
    for row in rows {
        for lane in 0..LANES {
            sum[lane] += row[run][lane];
        }
    }
    sum
}

/// `s^-beta` and `1 / s`, where `4 * beta` is `QUARTERS` unless that is 0.
#[inline(always)]
fn powers<const QUARTERS: usize>(s: f32, beta: f32) -> [f32; 2] {
    match QUARTERS {
        2 => {
            let power = 1.0 / s.sqrt();
            [power, power * power]
        }
        3 => {
            let root = s.sqrt();
            let power = 1.0 / (root * root.sqrt());
            // Without another division, and without underflow on the way; only for
            // an infinite sum would it be zero times infinity.
            let inverse = power * (power * root);
            [power, if s > f32::MAX { 0.0 } else { inverse }]
        }
        4 => [1.0 / s; 2],
        _ => [s.powf(-beta), 1.0 / s],
    }
}
