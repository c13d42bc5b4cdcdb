//! The kernel of the forward pass: sums of a few outputs for a few blocks of
//! images stay in registers while the inputs go by. The weights are read from
//! memory only once; it is the input that is walked in chunks, so that a chunk
//! stays in the second-level cache for all outputs.

use std::ops::Range;

use super::operands::{Matrix, Operands};
use crate::lanes::Lanes;
use crate::multiversion::by_product;
use crate::shared::Shared;
use crate::vector::{Product, Vector, activate};
use crate::{Activation, Level};

/// Lanes of the input in one chunk, over all blocks: a quarter of a mebibyte.
const CHUNK: usize = 4096;

/// Some outputs, for all blocks of images.
pub(super) struct Task<'a, E: Operands> {
    pub inputs: usize,
    pub outputs: usize,
    /// Which outputs.
    pub range: Range<usize>,
    /// `[blocks, inputs / STEP]`.
    pub x: &'a [E::Lanes],
    /// `[outputs, inputs]`.
    pub w: &'a [f32],
    /// `[outputs]`.
    pub bias: Option<&'a [f32]>,
    pub act: Activation,
    /// `[blocks, outputs]`.
    pub y: Shared<'a, Lanes>,
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; the slices have the lengths the sizes ask for; no
/// other task writes the same outputs.
pub(super) unsafe fn forward<E: Operands>(level: Level, task: &Task<E>) {
    let steps = task.inputs.div_ceil(E::STEP);
    let blocks = task.x.len() / steps;
    let chunk = (CHUNK / blocks.max(1)).max(64);
    let mut scratch = Vec::new();
    for first in (0..steps).step_by(chunk) {
        let steps = first..(first + chunk).min(steps);
        let inputs = steps.start * E::STEP..(steps.end * E::STEP).min(task.inputs);
        let matrix = Matrix {
            values: task.w,
            width: task.inputs,
        };
        let (w, w_stride) = E::rows(level, matrix, task.range.clone(), inputs, &mut scratch);
        let chunk = Chunk { steps, w, w_stride };
        // SAFETY: the caller's promise.
        unsafe { tiles(level, task, &chunk) }
    }
}

by_product! {
    unsafe fn tiles<E: Operands>(task: &Task<E>, chunk: &Chunk<E>) = run, [6, 4], [2, 2];
}

/// Part of the input.
struct Chunk<'a, E: Operands> {
    steps: Range<usize>,
    /// Of the task's outputs, for these steps.
    w: &'a [E::Weight],
    /// From one output to the next.
    w_stride: usize,
}

/// Goes over the outputs in tiles of `OUTPUTS` times `BLOCKS`.
#[inline(always)]
unsafe fn run<E: Operands, P: Product<E>, const OUTPUTS: usize, const BLOCKS: usize>(
    task: &Task<E>,
    chunk: &Chunk<E>,
) {
    let mut output = task.range.start;
    while output < task.range.end {
        // SAFETY: the caller's promise; the tiles stay within the range.
        output += unsafe {
            match task.range.end - output {
                left if left >= OUTPUTS => row::<E, P, OUTPUTS, BLOCKS>(task, output, chunk),
                left if left >= 2 => row::<E, P, 2, BLOCKS>(task, output, chunk),
                _ => row::<E, P, 1, BLOCKS>(task, output, chunk),
            }
        };
    }
}

/// All blocks of images for `OUTPUTS` outputs, which it returns.
#[inline(always)]
unsafe fn row<E: Operands, P: Product<E>, const OUTPUTS: usize, const BLOCKS: usize>(
    task: &Task<E>,
    output: usize,
    chunk: &Chunk<E>,
) -> usize {
    let blocks = task.x.len() / task.inputs.div_ceil(E::STEP);
    let mut block = 0;
    while block < blocks {
        // SAFETY: the caller's promise; the tiles stay within the blocks.
        block += unsafe {
            match blocks - block {
                left if left >= BLOCKS => tile::<E, P, OUTPUTS, BLOCKS>(task, output, block, chunk),
                left if left >= 2 => tile::<E, P, OUTPUTS, 2>(task, output, block, chunk),
                _ => tile::<E, P, OUTPUTS, 1>(task, output, block, chunk),
            }
        };
    }
    OUTPUTS
}

/// Adds a chunk of the input to one tile; returns its blocks.
#[inline(always)]
unsafe fn tile<E: Operands, P: Product<E>, const OUTPUTS: usize, const BLOCKS: usize>(
    task: &Task<E>,
    output: usize,
    block: usize,
    chunk: &Chunk<E>,
) -> usize {
    let steps = task.inputs.div_ceil(E::STEP);
    let count = chunk.steps.len();
    debug_assert!(output + OUTPUTS <= task.outputs && chunk.steps.end <= steps);
    debug_assert!((block + BLOCKS) * steps <= task.x.len());
    // SAFETY: the caller's promise; the tile is within the slices.
    unsafe {
        let place = |o: usize, b: usize| -> *mut f32 {
            task.y.at((block + b) * task.outputs + output + o).cast()
        };
        let mut sums: [[P::Sum; BLOCKS]; OUTPUTS] = std::array::from_fn(|o| {
            std::array::from_fn(|b| match task.bias {
                _ if chunk.steps.start > 0 => P::Sum::load(place(o, b)),
                Some(bias) => P::Sum::splat(bias[output + o]),
                None => P::Sum::splat(0.0),
            })
        });
        let x = task.x.as_ptr().add(block * steps + chunk.steps.start);
        let w = &chunk.w[(output - task.range.start) * chunk.w_stride..];
        debug_assert!(w.len() >= (OUTPUTS - 1) * chunk.w_stride + count);
        for step in 0..count {
            let values: [P; BLOCKS] = std::array::from_fn(|b| P::operands(x.add(b * steps + step)));
            for (o, sums) in sums.iter_mut().enumerate() {
                let weight = P::broadcast(*w.as_ptr().add(o * chunk.w_stride + step));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = value.add_product(weight, *sum);
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (b, sum) in sums.iter().enumerate() {
                sum.store(place(o, b));
            }
        }
        if chunk.steps.end == steps && task.act != Activation::Identity {
            for o in 0..OUTPUTS {
                for b in 0..BLOCKS {
                    activate(task.act, P::Sum::load(place(o, b))).store(place(o, b));
                }
            }
        }
    }
    BLOCKS
}
