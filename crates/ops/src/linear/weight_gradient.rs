//! The kernel of the weight gradient. Here the inputs fill the registers and
//! the images go by, so that each weight's gradient is finished in a register
//! and written once; the input is laid out for that, a small part of the work.

use std::cell::RefCell;
use std::ops::Range;

use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::shared::Shared;
use crate::vector::{Plain, Vector, fence};

/// Inputs that lie together for each image.
const PANEL: usize = 4 * LANES;

/// The gradients of the weights of some inputs, for all outputs.
pub(super) struct Task<'a> {
    pub inputs: usize,
    pub outputs: usize,
    /// Images, without those that fill up the last block.
    pub batch: usize,
    /// Which inputs.
    pub range: Range<usize>,
    /// `[blocks, inputs]`.
    pub x: &'a [Lanes],
    /// `[blocks, outputs]`.
    pub gz: &'a [Lanes],
    /// `[outputs, inputs]`, overwritten; best aligned to a cache line.
    pub gw: Shared<'a, f32>,
}

thread_local! {
    /// The input of a task: for each panel `[images, PANEL]` floats.
    static PANELS: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; the slices have the lengths the sizes ask for; no
/// other task writes the same inputs' weights.
pub(super) unsafe fn weight_gradient(level: Level, task: &Task) {
    PANELS.with_borrow_mut(|panels| {
        copy(task, panels);
        // SAFETY: the caller's promise.
        unsafe {
            match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(task, panels),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(task, panels),
                _ => run::<Plain, 2, 2>(task, panels),
            }
        }
        fence();
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task, panels: &[Lanes]) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx512, 6, 4>(task, panels) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task, panels: &[Lanes]) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx2, 2, 2>(task, panels) }
}

/// Lays out the task's inputs; those that the last panel lacks become zero.
fn copy(task: &Task, panels: &mut Vec<Lanes>) {
    let len = task.batch * PANEL / LANES;
    panels.clear();
    panels.resize(task.range.len().div_ceil(PANEL) * len, Lanes::ZERO);
    for (panel, panel_values) in panels.chunks_exact_mut(len).enumerate() {
        let first = task.range.start + panel * PANEL;
        let inputs = PANEL.min(task.range.end - first);
        let blocks = Lanes::as_floats_mut(panel_values).chunks_mut(LANES * PANEL);
        for (block, images) in blocks.enumerate() {
            let from = &task.x[block * task.inputs + first..][..inputs];
            for (image, values) in images.chunks_exact_mut(PANEL).enumerate() {
                for (to, from) in values.iter_mut().zip(from) {
                    *to = from.0[image];
                }
            }
        }
    }
}

/// Goes over all outputs and panels in tiles of `OUTPUTS` times `VECTORS`.
#[inline(always)]
unsafe fn run<V: Vector, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task,
    panels: &[Lanes],
) {
    let mut output = 0;
    while output < task.outputs {
        // SAFETY: the caller's promise; the tiles stay within the outputs.
        output += unsafe {
            match task.outputs - output {
                left if left >= OUTPUTS => row::<V, OUTPUTS, VECTORS>(task, panels, output),
                left if left >= 2 => row::<V, 2, VECTORS>(task, panels, output),
                _ => row::<V, 1, VECTORS>(task, panels, output),
            }
        };
    }
}

/// All panels for `OUTPUTS` outputs, which it returns.
#[inline(always)]
unsafe fn row<V: Vector, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task,
    panels: &[Lanes],
    output: usize,
) -> usize {
    let len = task.batch * PANEL / LANES;
    for (panel, values) in panels.chunks_exact(len).enumerate() {
        for vector in (0..PANEL / LANES).step_by(VECTORS) {
            let first = task.range.start + panel * PANEL + vector * LANES;
            if first < task.range.end {
                // SAFETY: the caller's promise.
                unsafe { tile::<V, OUTPUTS, VECTORS>(task, &values[vector..], output, first) }
            }
        }
    }
    OUTPUTS
}

/// One tile, over all images.
#[inline(always)]
unsafe fn tile<V: Vector, const OUTPUTS: usize, const VECTORS: usize>(
    task: &Task,
    values: &[Lanes],
    output: usize,
    first: usize,
) {
    debug_assert!(output + OUTPUTS <= task.outputs);
    debug_assert!(values.len() + PANEL / LANES > task.batch * PANEL / LANES);
    // SAFETY: the caller's promise; `values` goes on to the end of its panel,
    // and only inputs within the range are written.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; OUTPUTS];
        for image in 0..task.batch {
            let values: [V; VECTORS] = std::array::from_fn(|vector| {
                V::load(values.as_ptr().add(image * PANEL / LANES + vector).cast())
            });
            let gz = task.gz.as_ptr().add(image / LANES * task.outputs + output);
            let gz = gz.cast::<f32>().add(image % LANES);
            for (output, sums) in sums.iter_mut().enumerate() {
                let gradient = V::splat(*gz.add(output * LANES));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = value.mul_add(gradient, *sum);
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
