//! The kernel of the weight gradient. Here the inputs fill the registers and
//! the images go by, so that each weight's gradient is finished in a register
//! and written once; the input is laid out for that, a small part of the work.

use std::ops::Range;

use super::operands::Operands;
use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::multiversion::by_product;
use crate::shared::Shared;
use crate::vector::{Product, Vector, fence};

/// Inputs that lie together for each image.
const PANEL: usize = 4 * LANES;

/// The gradients of the weights of some inputs, for all outputs.
pub(super) struct Task<'a, E: Operands> {
    pub inputs: usize,
    pub outputs: usize,
    /// Images, without those that fill up the last block.
    pub batch: usize,
    /// Which inputs.
    pub range: Range<usize>,
    /// `[blocks, inputs]`.
    pub x: &'a [Lanes],
    /// `[blocks, outputs, 16 / STEP]`.
    pub gz: &'a [E::Weight],
    /// `[outputs, inputs]`, overwritten; best aligned to a cache line.
    pub gw: Shared<'a, f32>,
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; the slices have the lengths the sizes ask for; no
/// other task writes the same inputs' weights.
pub(super) unsafe fn weight_gradient<E: Operands>(level: Level, task: &Task<E>) {
    let panels = copy(task);
    // SAFETY: the caller's promise.
    unsafe { tiles(level, task, &panels) }
    fence();
}

by_product! {
    unsafe fn tiles<E: Operands>(task: &Task<E>, panels: &[E::Lanes]) = run, [6, 4], [2, 2];
}

/// Registers of a panel.
const VECTORS_IN_PANEL: usize = PANEL / LANES;

impl<E: Operands> Task<'_, E> {
    /// Steps of a sum over the images.
    fn steps(&self) -> usize {
        self.batch.div_ceil(E::STEP)
    }
}

/// The task's inputs as panels of `[images / STEP, PANEL]`; inputs that the
/// last panel lacks become zero.
fn copy<E: Operands>(task: &Task<E>) -> Vec<E::Lanes> {
    let len = task.steps() * VECTORS_IN_PANEL;
    let mut panels = vec![E::ZERO; task.range.len().div_ceil(PANEL) * len];
    for (panel, values) in panels.chunks_exact_mut(len).enumerate() {
        let first = task.range.start + panel * PANEL;
        let inputs = PANEL.min(task.range.end - first);
        let blocks = E::flat_mut(values).chunks_mut(LANES / E::STEP * PANEL);
        for (block, to) in blocks.enumerate() {
            let images = LANES.min(task.batch - block * LANES);
            let from = &task.x[block * task.inputs + first..][..inputs];
            for (input, from) in from.iter().enumerate() {
                E::spread_images(from, images, &mut to[input..], PANEL);
            }
        }
    }
    panels
}

/// Goes over all outputs and panels in tiles of `OUTPUTS` times `VECTORS`.
#[inline(always)]
unsafe fn run<E: Operands, P: Product<E>, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task<E>,
    panels: &[E::Lanes],
) {
    let mut output = 0;
    while output < task.outputs {
        // SAFETY: the caller's promise; the tiles stay within the outputs.
        output += unsafe {
            match task.outputs - output {
                left if left >= OUTPUTS => row::<E, P, OUTPUTS, VECTORS>(task, panels, output),
                left if left >= 2 => row::<E, P, 2, VECTORS>(task, panels, output),
                _ => row::<E, P, 1, VECTORS>(task, panels, output),
            }
        };
    }
}

/// All panels for `OUTPUTS` outputs, which it returns.
#[inline(always)]
unsafe fn row<E: Operands, P: Product<E>, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task<E>,
    panels: &[E::Lanes],
    output: usize,
) -> usize {
    let len = task.steps() * VECTORS_IN_PANEL;
    for (panel, values) in panels.chunks_exact(len).enumerate() {
        for vector in (0..VECTORS_IN_PANEL).step_by(VECTORS) {
            let first = task.range.start + panel * PANEL + vector * LANES;
            if first < task.range.end {
                // SAFETY: the caller's promise.
                unsafe { tile::<E, P, OUTPUTS, VECTORS>(task, &values[vector..], output, first) }
            }
        }
    }
    OUTPUTS
}

/// One tile, over all images.
#[inline(always)]
unsafe fn tile<E: Operands, P: Product<E>, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task<E>,
    values: &[E::Lanes],
    output: usize,
    first: usize,
) {
    debug_assert!(output + OUTPUTS <= task.outputs);
    debug_assert!(values.len() + VECTORS_IN_PANEL > task.steps() * VECTORS_IN_PANEL);
    // SAFETY: the caller's promise; `values` goes on to the end of its panel,
    // and only inputs within the range are written.
    unsafe {
        let per_block = LANES / E::STEP;
        let mut sums = [[P::Sum::splat(0.0); VECTORS]; OUTPUTS];
        for step in 0..task.steps() {
            let values: [P; VECTORS] = std::array::from_fn(|vector| {
                P::operands(values.as_ptr().add(step * VECTORS_IN_PANEL + vector))
            });
            let gz = (step / per_block * task.outputs + output) * per_block + step % per_block;
            debug_assert!(gz + (OUTPUTS - 1) * per_block < task.gz.len());
            let gz = task.gz.as_ptr().add(gz);
            for (output, sums) in sums.iter_mut().enumerate() {
                let gradient = P::broadcast(*gz.add(output * per_block));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = value.add_product(gradient, *sum);
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let first = first + vector * LANES;
                let start = (output + o) * task.inputs + first;
                match task.range.end.saturating_sub(first) {
                    0 => {}
                    left if left >= LANES => {
                        debug_assert!(start + LANES <= task.outputs * task.inputs);
                        let place = task.gw.at(start);
                        // The gradient of a large layer outgrows every cache.
                        if place.addr().is_multiple_of(align_of::<Lanes>()) {
                            sum.stream(place);
                        } else {
                            sum.store(place);
                        }
                    }
                    left => {
                        let mut lanes = Lanes::ZERO;
                        sum.store(lanes.0.as_mut_ptr());
                        for (column, value) in lanes.0[..left].iter().enumerate() {
                            *task.gw.at(start + column) = *value;
                        }
                    }
                }
            }
        }
    }
}
