//! The input gradient: a tile of sums is sixteen images' gradients of sixteen
//! inputs, the product of the images' gradients and the weights as they lie.

use std::arch::x86_64::*;
use std::ops::Range;

use rayon::prelude::*;

use super::super::plan::ranges;
use super::{HALVES, lowest, successive};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::tiles::{JUMPERS, ROWS, Shape, Tiles, Walker, pair, store_transposed, transpose};
use crate::vector::{Pairs, prefetch};

/// Inputs that one task takes: enough that the weights to an output, which lie
/// together, are a good part of a page.
const COLUMNS: usize = 512;

/// Tiles of the outputs whose weights are rounded at once: those of all a task's
/// inputs then take 256 KiB.
const CHUNK: usize = 8;

/// Rows from the weights of sixteen inputs to those of the next. One tile more
/// than needed, so that they do not drive each other out of the cache.
const APART: usize = (CHUNK + 1) * ROWS;

/// `gx = w^T gz`; `gz` is `[blocks, outputs]`, `w` `[outputs, inputs]` and `gx`
/// `[blocks, inputs]`.
///
/// # Safety
/// The machine has [`Level::Amx`](crate::Level); the lengths fit.
pub(in crate::linear) unsafe fn input_gradient(
    [inputs, outputs]: [usize; 2],
    gz: &[Lanes],
    w: &[f32],
    gx: &mut [Lanes],
) {
    let tiles = outputs.div_ceil(HALVES);
    let blocks = gz.len() / outputs;
    if blocks == 0 {
        return;
    }
    let mut gz_tiles = vec![Pairs::ZERO; blocks * tiles * ROWS];
    gz_tiles
        .par_chunks_exact_mut(ROWS)
        .enumerate()
        .for_each(|(index, to)| {
            let gz = &gz[index / tiles * outputs..][..outputs];
            let first = index % tiles * HALVES;
            // SAFETY: the caller's promise.
            unsafe { turn(&gz[first..(first + HALVES).min(outputs)], to) }
        });
    let gx = Shared::new(gx);
    ranges(inputs, COLUMNS).for_each(|range| {
        let task = Task {
            inputs,
            outputs,
            range,
            blocks,
            gz: &gz_tiles,
            w,
            gx,
        };
        // SAFETY: the caller's promise; tasks differ in their inputs.
        unsafe { task.run() }
    });
}

/// Up to 32 features as a tile with a row for each image.
///
/// # Safety
/// The machine has AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn turn(from: &[Lanes], to: &mut [Pairs]) {
    assert_eq!(to.len(), ROWS);
    let value = |feature: usize| match from.get(feature) {
        // SAFETY: the features are enabled.
        Some(lanes) => unsafe { _mm512_load_ps(lanes.0.as_ptr()) },
        None => _mm512_setzero_ps(),
    };
    // SAFETY: the features are enabled; `to` is a tile.
    unsafe {
        let rows = std::array::from_fn(|row| pair(value(2 * row), value(2 * row + 1)));
        store_transposed(rows, to.as_mut_ptr());
    }
}

/// The gradients of some inputs, for all blocks of images.
struct Task<'a> {
    inputs: usize,
    outputs: usize,
    range: Range<usize>,
    blocks: usize,
    /// `[blocks, tiles of outputs, 16]`.
    gz: &'a [Pairs],
    w: &'a [f32],
    gx: Shared<'a, Lanes>,
}

impl Task<'_> {
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level); no other task writes the same inputs.
    unsafe fn run(&self) {
        let tiles = self.outputs.div_ceil(HALVES);
        let columns = self.range.len().div_ceil(ROWS);
        let sums_len = self.blocks * ROWS;
        let mut sums = vec![Lanes::ZERO; columns * sums_len];
        let mut weights = vec![Pairs::ZERO; columns * APART];
        let offsets = successive(CHUNK.min(tiles));
        let shape = Shape {
            rows: ROWS,
            pairs: ROWS,
            walker: Walker::Second,
        };
        // SAFETY: the caller's promise.
        let registers = unsafe { Tiles::new(shape) };
        for first in (0..tiles).step_by(CHUNK) {
            let count = CHUNK.min(tiles - first);
            // SAFETY: the caller's promise.
            unsafe { self.round(first, count, &mut weights) }
            let both = weights
                .chunks_exact(APART)
                .zip(sums.chunks_exact_mut(sums_len));
            for (weights, sums) in both {
                for block in (0..self.blocks).step_by(JUMPERS) {
                    // Past the last one it is computed again, to the same sums.
                    let blocks: [usize; JUMPERS] =
                        std::array::from_fn(|jumper| (block + jumper).min(self.blocks - 1));
                    let gz =
                        blocks.map(|block| (&raw const self.gz[(block * tiles + first) * ROWS]));
                    let to = blocks.map(|block| sums.as_mut_ptr().wrapping_add(block * ROWS));
                    // SAFETY: there are `count` tiles of each.
                    unsafe {
                        let offsets = &offsets[..count];
                        registers.multiply(weights.as_ptr(), gz, offsets, to, first == 0);
                    }
                }
            }
        }
        drop(registers);
        for (tile, sums) in sums.chunks_exact(ROWS).enumerate() {
            let first = self.range.start + tile / self.blocks * ROWS;
            // SAFETY: the caller's promise.
            unsafe { self.finish(tile % self.blocks * self.inputs, first, sums) }
        }
    }

    /// Rounds the weights of the task's inputs for some tiles of outputs, to
    /// `[tiles of inputs, tiles of outputs, 16]`; what is lacking becomes zero.
    ///
    /// # Safety
    /// The machine has AVX-512 BF16.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn round(&self, first: usize, count: usize, to: &mut [Pairs]) {
        for row in 0..count * ROWS {
            let output = first * HALVES + 2 * row;
            let weights = |output: usize| match output < self.outputs {
                true => &self.w[output * self.inputs..][self.range.clone()],
                false => &[],
            };
            let [even, odd] = [weights(output), weights(output + 1)];
            let ahead = CHUNK * HALVES * self.inputs;
            for (tile, to) in to.chunks_exact_mut(APART).enumerate() {
                // SAFETY: a mask lets only what there is be read.
                let [even, odd] = [even, odd].map(|weights| unsafe {
                    let place = weights.as_ptr().wrapping_add(tile * ROWS);
                    prefetch(place.wrapping_add(ahead));
                    let mask = lowest(weights.len().saturating_sub(tile * ROWS));
                    _mm512_maskz_loadu_ps(mask, place)
                });
                // SAFETY: the features are enabled.
                unsafe {
                    let to: *mut Pairs = &raw mut to[row];
                    _mm512_store_si512(to.cast(), pair(even, odd));
                }
            }
        }
    }

    /// Writes sixteen inputs' gradients, of the block whose gradients start at `start`.
    ///
    /// # Safety
    /// The machine has AVX-512; no other task writes the same inputs.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn finish(&self, start: usize, first: usize, sums: &[Lanes]) {
        let count = ROWS.min(self.range.end - first);
        // SAFETY: the caller's promise; the inputs are of this task.
        unsafe {
            let rows = std::array::from_fn(|row| _mm512_load_si512(sums[row].0.as_ptr().cast()));
            for (input, column) in transpose(rows)[..count].iter().enumerate() {
                _mm512_store_si512(self.gx.at(start + first + input).cast(), *column);
            }
        }
    }
}
