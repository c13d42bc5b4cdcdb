//! The kernel of the forward pass: sums of a few outputs for a few blocks of
//! images stay in registers while the inputs go by. The weights are read where
//! they lie, and from memory only once; it is the input that is walked in
//! chunks, so that a chunk stays in the second-level cache for all outputs.

use std::ops::Range;

use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::vector::{Plain, Vector, activate};
use crate::{Activation, Level};

/// Lanes of the input in one chunk, over all blocks: a quarter of a mebibyte.
const CHUNK: usize = 4096;

/// Some outputs, for all blocks of images.
pub(super) struct Task<'a> {
    pub inputs: usize,
    pub outputs: usize,
    /// Which outputs.
    pub range: Range<usize>,
    /// `[blocks, inputs]`.
    pub x: &'a [Lanes],
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
pub(super) unsafe fn forward(level: Level, task: &Task) {
    // SAFETY: the caller's promise.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(task),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(task),
            _ => run::<Plain, 2, 2>(task),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx512, 6, 4>(task) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx2, 2, 2>(task) }
}

/// Goes over the input in chunks, for tiles of `OUTPUTS` times `BLOCKS`.
#[inline(always)]
unsafe fn run<V: Vector, const OUTPUTS: usize, const BLOCKS: usize>(task: &Task) {
    let blocks = task.x.len() / task.inputs;
    let chunk = (CHUNK / blocks.max(1)).max(64);
    for start in (0..task.inputs).step_by(chunk) {
        let inputs = start..(start + chunk).min(task.inputs);
        let mut output = task.range.start;
        while output < task.range.end {
            // SAFETY: the caller's promise; the tiles stay within the range.
            output += unsafe {
                match task.range.end - output {
                    left if left >= OUTPUTS => row::<V, OUTPUTS, BLOCKS>(task, output, &inputs),
                    left if left >= 2 => row::<V, 2, BLOCKS>(task, output, &inputs),
                    _ => row::<V, 1, BLOCKS>(task, output, &inputs),
                }
            };
        }
    }
}

/// All blocks of images for `OUTPUTS` outputs, which it returns.
#[inline(always)]
unsafe fn row<V: Vector, const OUTPUTS: usize, const BLOCKS: usize>(
    task: &Task,
    output: usize,
    inputs: &Range<usize>,
) -> usize {
    let blocks = task.x.len() / task.inputs;
    let mut block = 0;
    while block < blocks {
        // SAFETY: the caller's promise; the tiles stay within the blocks.
        block += unsafe {
            match blocks - block {
                left if left >= BLOCKS => tile::<V, OUTPUTS, BLOCKS>(task, output, block, inputs),
                left if left >= 2 => tile::<V, OUTPUTS, 2>(task, output, block, inputs),
                _ => tile::<V, OUTPUTS, 1>(task, output, block, inputs),
            }
        };
    }
    OUTPUTS
}

/// Adds a chunk of the input to one tile; returns its blocks.
#[inline(always)]
unsafe fn tile<V: Vector, const OUTPUTS: usize, const BLOCKS: usize>(
    task: &Task,
    output: usize,
    block: usize,
    inputs: &Range<usize>,
) -> usize {
    debug_assert!(output + OUTPUTS <= task.outputs && inputs.end <= task.inputs);
    debug_assert!((block + BLOCKS) * task.inputs <= task.x.len());
    // SAFETY: the caller's promise; the tile is within the slices.
    unsafe {
        let place = |o: usize, b: usize| -> *mut f32 {
            task.y.at((block + b) * task.outputs + output + o).cast()
        };
        let mut sums: [[V; BLOCKS]; OUTPUTS] = std::array::from_fn(|o| {
            std::array::from_fn(|b| match task.bias {
                _ if inputs.start > 0 => V::load(place(o, b)),
                Some(bias) => V::splat(bias[output + o]),
                None => V::splat(0.0),
            })
        });
        let x = task.x.as_ptr().add(block * task.inputs);
        let w = task.w.as_ptr().add(output * task.inputs);
        for input in inputs.clone() {
            let values: [V; BLOCKS] =
                std::array::from_fn(|b| V::load(x.add(b * task.inputs + input).cast()));
            for (o, sums) in sums.iter_mut().enumerate() {
                let weight = V::splat(*w.add(o * task.inputs + input));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = value.mul_add(weight, *sum);
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (b, sum) in sums.iter().enumerate() {
                sum.store(place(o, b));
            }
        }
        if inputs.end == task.inputs && task.act != Activation::Identity {
            for o in 0..OUTPUTS {
                for b in 0..BLOCKS {
                    activate(task.act, V::load(place(o, b))).store(place(o, b));
                }
            }
        }
    }
    BLOCKS
}
