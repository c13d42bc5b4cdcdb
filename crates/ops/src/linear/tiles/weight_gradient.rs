//! The weight gradient: a tile of sums is the gradients of sixteen inputs'
//! weights to sixteen outputs; one product sums over the 32 images of two blocks.

use std::arch::x86_64::*;
use std::ops::Range;

use rayon::prelude::*;

use super::super::plan::{COLUMNS, ranges};
use super::{lowest, successive};
use crate::lanes::{LANES, Lanes};
use crate::shared::Shared;
use crate::tiles::{JUMPERS, ROWS, Shape, Tiles, Walker, join, store_transposed};
use crate::vector::{Pairs, fence};

/// `gw = gz x^T` of the first `batch` images; `x` is `[blocks, inputs]`, `gz`
/// `[blocks, outputs]` and `gw` `[outputs, inputs]`.
///
/// # Safety
/// The machine has [`Level::Amx`](crate::Level); the lengths fit; there is an image.
pub(in crate::linear) unsafe fn weight_gradient(
    [batch, inputs, outputs]: [usize; 3],
    x: &[Lanes],
    gz: &[Lanes],
    gw: &mut [f32],
) {
    let pairs = batch.div_ceil(2 * LANES);
    let mut gz_tiles = vec![Pairs::ZERO; outputs.div_ceil(ROWS) * pairs * ROWS];
    gz_tiles
        .par_chunks_exact_mut(pairs * ROWS)
        .enumerate()
        .for_each(|(tile, to)| {
            let range = tile * ROWS..((tile + 1) * ROWS).min(outputs);
            // SAFETY: the caller's promise.
            unsafe { round::<false>(batch, gz, outputs, range, to) }
        });
    let gw = Shared::new(gw);
    ranges(inputs, COLUMNS).for_each(|range| {
        let mut x_tiles = vec![Pairs::ZERO; range.len().div_ceil(ROWS) * pairs * ROWS];
        for (tile, to) in x_tiles.chunks_exact_mut(pairs * ROWS).enumerate() {
            let first = range.start + tile * ROWS;
            // SAFETY: the caller's promise.
            unsafe { round::<true>(batch, x, inputs, first..(first + ROWS).min(range.end), to) }
        }
        let task = Task {
            inputs,
            outputs,
            range,
            x: &x_tiles,
            gz: &gz_tiles,
            gw,
        };
        // SAFETY: the caller's promise; tasks differ in their inputs.
        unsafe { task.run(pairs) }
        fence();
    });
}

/// Up to sixteen features, as a tile for every two blocks of images: with a row
/// for each feature, or turned, with one for each pair of images. Features and
/// images that are lacking are zero.
///
/// # Safety
/// The machine has AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn round<const TURNED: bool>(
    batch: usize,
    from: &[Lanes],
    features: usize,
    range: Range<usize>,
    to: &mut [Pairs],
) {
    for (index, to) in to.chunks_exact_mut(ROWS).enumerate() {
        let value = |block: usize, feature: usize| {
            let mask = lowest(batch.saturating_sub(block * LANES));
            match mask {
                0 => _mm512_setzero_ps(),
                // SAFETY: the features are enabled.
                _ => unsafe {
                    _mm512_maskz_load_ps(mask, from[block * features + feature].0.as_ptr())
                },
            }
        };
        let mut rows = [_mm512_setzero_si512(); ROWS];
        for (feature, row) in range.clone().zip(&mut rows) {
            // SAFETY: the features are enabled.
            *row = unsafe { join(value(2 * index, feature), value(2 * index + 1, feature)) };
        }
        // SAFETY: the features are enabled; `to` is a tile.
        unsafe {
            if TURNED {
                store_transposed(rows, to.as_mut_ptr());
            } else {
                for (to, row) in to.iter_mut().zip(rows) {
                    _mm512_store_si512((&raw mut *to).cast(), row);
                }
            }
        }
    }
}

/// The weights of some inputs, for all outputs.
struct Task<'a> {
    inputs: usize,
    outputs: usize,
    range: Range<usize>,
    /// Of these inputs, `[tiles, blocks / 2, 16]`, turned.
    x: &'a [Pairs],
    /// `[tiles of outputs, blocks / 2, 16]`.
    gz: &'a [Pairs],
    gw: Shared<'a, f32>,
}

impl Task<'_> {
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level); no other task writes the same weights.
    unsafe fn run(&self, pairs: usize) {
        let offsets = successive(pairs);
        let tiles = self.range.len().div_ceil(ROWS);
        let mut sums = vec![Lanes::ZERO; tiles * ROWS];
        let shape = Shape {
            rows: ROWS,
            pairs: ROWS,
            walker: Walker::First,
        };
        // SAFETY: the caller's promise.
        let registers = unsafe { Tiles::new(shape) };
        for (tile, gz) in self.gz.chunks_exact(pairs * ROWS).enumerate() {
            for first in (0..tiles).step_by(JUMPERS) {
                // Past the last one it is computed again, to the same sums.
                let places: [usize; JUMPERS] =
                    std::array::from_fn(|jumper| (first + jumper).min(tiles - 1));
                let x = places.map(|place| &raw const self.x[place * pairs * ROWS]);
                let to = places.map(|place| sums.as_mut_ptr().wrapping_add(place * ROWS));
                // SAFETY: there are as many tiles of each as pairs of blocks.
                unsafe { registers.multiply(gz.as_ptr(), x, &offsets, to, true) }
            }
            // SAFETY: the caller's promise.
            unsafe { self.store(tile * ROWS, &sums) }
        }
    }

    /// Writes the gradients of sixteen outputs' weights, `[tiles of inputs, 16]`,
    /// row by row.
    ///
    /// # Safety
    /// The machine has AVX-512; no other task writes the same weights.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn store(&self, first: usize, sums: &[Lanes]) {
        for row in 0..ROWS.min(self.outputs - first) {
            for (tile, sums) in sums.chunks_exact(ROWS).enumerate() {
                let input = self.range.start + tile * ROWS;
                let mask = lowest(self.range.end - input);
                // SAFETY: the weights of the mask are this task's.
                unsafe {
                    let place = self.gw.at((first + row) * self.inputs + input);
                    let values = _mm512_load_ps(sums[row].0.as_ptr());
                    // The gradient of a large layer outgrows every cache.
                    if mask == u16::MAX && place.addr().is_multiple_of(align_of::<Lanes>()) {
                        _mm512_stream_ps(place, values);
                    } else {
                        _mm512_mask_storeu_ps(place, mask, values);
                    }
                }
            }
        }
    }
}
