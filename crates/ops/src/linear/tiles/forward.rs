//! The forward pass: a tile of sums is sixteen outputs of sixteen images, the
//! product of their weights and the images' inputs.

use std::arch::x86_64::*;
use std::ops::Range;

use rayon::prelude::*;

use super::super::plan::ranges;
use super::{HALVES, lowest, successive};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::tiles::{JUMPERS, ROWS, Shape, Tiles, Walker, join};
use crate::vector::{Avx512, Pairs, Vector, activate, pair_neighbours, prefetch};
use crate::{Activation, Level};

/// Tiles of the inputs that are worked on at once: the rounded weights of
/// sixteen outputs then take 32 KiB.
const CHUNK: usize = 32;

/// Outputs that one task takes at most.
const OUTPUTS: usize = 128;

/// `y = act(w x + bias)`; `x` is `[blocks, inputs]`, `w` `[outputs, inputs]` and
/// `y` `[blocks, outputs]`.
///
/// # Safety
/// The machine has [`Level::Amx`]; the lengths fit.
pub(in crate::linear) unsafe fn forward(
    [inputs, outputs]: [usize; 2],
    x: &[Lanes],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [Lanes],
) {
    let steps = inputs.div_ceil(HALVES) * ROWS;
    let blocks = x.len() / inputs;
    let mut x_pairs = vec![Pairs::ZERO; blocks * steps];
    let both = x
        .par_chunks_exact(inputs)
        .zip(x_pairs.par_chunks_exact_mut(steps));
    both.for_each(|(x, pairs)| {
        pair_neighbours(Level::Amx, x, &mut pairs[..inputs.div_ceil(2)]);
    });
    if blocks == 0 {
        return;
    }
    let y = Shared::new(y);
    let fair = outputs.div_ceil(4 * rayon::current_num_threads());
    ranges(outputs, fair.next_multiple_of(ROWS).min(OUTPUTS)).for_each(|range| {
        let task = Task {
            inputs,
            outputs,
            range,
            blocks,
            x: &x_pairs,
            w,
            bias,
            act,
            y,
        };
        // SAFETY: the caller's promise; tasks differ in their outputs.
        unsafe { task.run() }
    });
}

/// Some outputs, for all blocks of images.
struct Task<'a> {
    inputs: usize,
    outputs: usize,
    range: Range<usize>,
    blocks: usize,
    /// `[blocks, tiles of inputs, 16]` of neighbouring inputs.
    x: &'a [Pairs],
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    act: Activation,
    y: Shared<'a, Lanes>,
}

impl Task<'_> {
    /// # Safety
    /// The machine has [`Level::Amx`]; no other task writes the same outputs.
    unsafe fn run(&self) {
        let tiles = self.inputs.div_ceil(HALVES);
        let block_len = tiles * ROWS;
        let sums_len = self.blocks * ROWS;
        let mut sums = vec![Lanes::ZERO; self.range.len().div_ceil(ROWS) * sums_len];
        let mut weights = vec![Pairs::ZERO; CHUNK.min(tiles) * ROWS];
        let offsets = successive(CHUNK.min(tiles));
        let shape = Shape {
            rows: ROWS,
            pairs: ROWS,
            walker: Walker::First,
        };
        // SAFETY: the caller's promise.
        let registers = unsafe { Tiles::new(shape) };
        for first in (0..tiles).step_by(CHUNK) {
            let count = CHUNK.min(tiles - first);
            let outputs = self.range.clone().step_by(ROWS);
            for (output, sums) in outputs.zip(sums.chunks_exact_mut(sums_len)) {
                // SAFETY: the caller's promise.
                unsafe { self.round(output, first, &mut weights[..count * ROWS]) }
                for block in (0..self.blocks).step_by(JUMPERS) {
                    // Past the last one it is computed again, to the same sums.
                    let blocks: [usize; JUMPERS] =
                        std::array::from_fn(|jumper| (block + jumper).min(self.blocks - 1));
                    let x =
                        blocks.map(|block| (&raw const self.x[block * block_len + first * ROWS]));
                    let to = blocks.map(|block| sums.as_mut_ptr().wrapping_add(block * ROWS));
                    // SAFETY: there are `count` tiles of each.
                    unsafe {
                        let offsets = &offsets[..count];
                        registers.multiply(weights.as_ptr(), x, offsets, to, first == 0);
                    }
                }
            }
        }
        drop(registers);
        // SAFETY: the caller's promise.
        unsafe { self.finish(&sums) }
    }

    /// Rounds the weights of sixteen outputs from `output` on, for some tiles of
    /// inputs; outputs and inputs that are lacking have zeros.
    ///
    /// # Safety
    /// The machine has AVX-512 BF16.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn round(&self, output: usize, first: usize, to: &mut [Pairs]) {
        let rows = ROWS.min(self.range.end - output);
        // What comes next: the next outputs or, after the last, the next inputs.
        let ahead = match output + ROWS < self.range.end {
            true => (ROWS * self.inputs).cast_signed(),
            false => {
                let back = (output - self.range.start) * self.inputs;
                (CHUNK * HALVES).cast_signed() - back.cast_signed()
            }
        };
        for row in 0..ROWS {
            if row >= rows {
                to.iter_mut()
                    .skip(row)
                    .step_by(ROWS)
                    .for_each(|to| *to = Pairs::ZERO);
                continue;
            }
            let row_start = (output + row) * self.inputs;
            let weights = &self.w[row_start + first * HALVES..row_start + self.inputs];
            let tiles = to.chunks_exact_mut(ROWS).zip(weights.chunks(HALVES));
            for (to, from) in tiles {
                let next = from.as_ptr().wrapping_offset(ahead);
                prefetch(next);
                prefetch(next.wrapping_add(ROWS));
                // SAFETY: only places within `from` are read.
                unsafe {
                    let values = match from.len() {
                        HALVES => [0, ROWS].map(|at| _mm512_loadu_ps(from.as_ptr().add(at))),
                        len => [0, ROWS].map(|at| {
                            let mask = lowest(len.saturating_sub(at));
                            _mm512_maskz_loadu_ps(mask, from.as_ptr().wrapping_add(at))
                        }),
                    };
                    let row: *mut Pairs = &raw mut to[row];
                    _mm512_store_si512(row.cast(), join(values[0], values[1]));
                }
            }
        }
    }

    /// Adds the bias to the sums, `[tiles of outputs, blocks, 16]`, and activates them.
    ///
    /// # Safety
    /// The machine has AVX-512; no other task writes the same outputs.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn finish(&self, sums: &[Lanes]) {
        for (index, sum) in sums.iter().enumerate() {
            let (tile, block) = (index / ROWS / self.blocks, index / ROWS % self.blocks);
            let output = self.range.start + tile * ROWS + index % ROWS;
            if output >= self.range.end {
                continue;
            }
            // SAFETY: the caller's promise; the output is of this task.
            unsafe {
                let bias = self.bias.map_or(0.0, |bias| bias[output]);
                let sum = Avx512::load(sum.0.as_ptr());
                let sum = sum.mul_add(Avx512::splat(1.0), Avx512::splat(bias));
                let place = self.y.at(block * self.outputs + output);
                activate(self.act, sum).store(place.cast());
            }
        }
    }
}
