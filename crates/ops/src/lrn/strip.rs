//! The kernels of response normalisation, on a strip of an image: neighbouring pixels in
//! all channels.
//!
//! A strip is worked on in tiles, all channels of a tile at a time: the registers run
//! along the pixels, and the squares of a tile stay in the cache. Sums are added up
//! afresh for every channel; a running sum would be no faster and carry its rounding
//! errors from channel to channel.

use std::ops::Range;

use super::slices::Terms;
use crate::lanes::{LANES, Lanes};
use crate::multiversion::multiversion;

/// Runs of [`LANES`] pixels in a tile.
const RUNS: usize = 4;

/// Pixels of a tile.
pub(super) const TILE: usize = LANES * RUNS;

/// Neighbouring pixels, a register of them.
type Run = [f32; LANES];

/// A value for each pixel of a tile, aligned: a load that straddles cache lines is slow.
pub(super) type Row = [Lanes; RUNS];

multiversion! {
    /// Normalises a strip of one image. `x` is the image from the strip's first pixel on,
    /// with channels `pixels` apart, `y` has a slice of the strip's width for each
    /// channel, and `squares` a row.
    pub(super) fn forward_strip<const QUARTERS: usize>(
        terms: &Terms,
        pixels: usize,
        squares: &mut [Row],
        x: &[f32],
        y: &mut [&mut [f32]],
    ) {
        let (channels, width) = (y.len(), y[0].len());
        for start in (0..width).step_by(TILE) {
            let tile = start..width.min(start + TILE);
            square(terms, pixels, tile.clone(), x, squares);
            for (channel, y) in y.iter_mut().enumerate() {
                let rows = &squares[terms.summands(channel, channels)];
                let y = &mut y[tile.clone()];
                let x = &x[channel * pixels + tile.start..][..y.len()];
                for (run, (x, y)) in x.chunks(LANES).zip(y.chunks_mut(LANES)).enumerate() {
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
    /// The gradient for a strip of one image. `x` and `gy` are the image from the strip's
    /// first pixel on, with channels `pixels` apart, `gx` has a slice of the strip's width
    /// for each channel, and `scratch` two rows.
    pub(super) fn backward_strip<const QUARTERS: usize>(
        terms: &Terms,
        pixels: usize,
        scratch: &mut [Row],
        x: &[f32],
        gy: &[f32],
        gx: &mut [&mut [f32]],
    ) {
        let (channels, width) = (gx.len(), gx[0].len());
        let (squares, shares) = scratch.split_at_mut(channels);
        for start in (0..width).step_by(TILE) {
            let tile = start..width.min(start + TILE);
            square(terms, pixels, tile.clone(), x, squares);
            for (channel, gx) in gx.iter_mut().enumerate() {
                let rows = &squares[terms.summands(channel, channels)];
                let gx = &mut gx[tile.clone()];
                let plane = channel * pixels + tile.start;
                let (x, gy) = (&x[plane..][..gx.len()], &gy[plane..][..gx.len()]);
                let runs = x.chunks(LANES).zip(gy.chunks(LANES));
                for (run, ((x, gy), gx)) in runs.zip(gx.chunks_mut(LANES)).enumerate() {
                    let (x, mut direct, sum) = (load(x), load(gy), sum(rows, run));
                    let mut share = Run::default();
                    for lane in 0..LANES {
                        let [power, inverse] =
                            powers::<QUARTERS>(terms.k + sum[lane], terms.beta);
                        direct[lane] *= power;
                        share[lane] = direct[lane] * (x[lane] * (terms.factor * inverse));
                    }
                    shares[channel][run] = Lanes(share);
                    gx.copy_from_slice(&direct[..gx.len()]);
                }
            }
            let factor = terms.gather_factor();
            for (channel, gx) in gx.iter_mut().enumerate() {
                let rows = &shares[terms.sums(channel, channels)];
                let gx = &mut gx[tile.clone()];
                let x = &x[channel * pixels + tile.start..][..gx.len()];
                for (run, (x, gx)) in x.chunks(LANES).zip(gx.chunks_mut(LANES)).enumerate() {
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
    for (x, row) in x.chunks(pixels).zip(squares) {
        for (x, square) in x[tile.clone()].chunks(LANES).zip(row) {
            *square = Lanes(load(x).map(|x| x * terms.factor).map(|x| x * x));
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
        for (sum, value) in sum.iter_mut().zip(row[run].0) {
            *sum += value;
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
