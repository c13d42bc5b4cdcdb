//! The kernel of the input gradient, which walks the weights down their
//! columns. A block of them is first copied so that a few columns lie together;
//! that reads each weight from memory once and in long stretches.

use std::cell::RefCell;
use std::ops::Range;

use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::shared::Shared;
use crate::vector::{Plain, Vector, prefetch};

/// Rows of the weights copied at once: about an eighth of a mebibyte. Not a
/// power of two, so that the panels, which are written side by side, do not
/// drive each other out of the cache.
const ROWS: usize = 124;

/// The gradients of some inputs, for all blocks of images.
pub(super) struct Task<'a> {
    pub inputs: usize,
    pub outputs: usize,
    /// Which inputs.
    pub range: Range<usize>,
    /// `[blocks, outputs]`.
    pub gz: &'a [Lanes],
    /// `[outputs, inputs]`.
    pub w: &'a [f32],
    /// `[blocks, inputs]`.
    pub gx: Shared<'a, Lanes>,
}

thread_local! {
    /// Copied weights: for each panel of columns `[rows, columns of the panel]`.
    static PANELS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; the slices have the lengths the sizes ask for; no
/// other task writes the same inputs.
pub(super) unsafe fn input_gradient(level: Level, task: &Task) {
    PANELS.with_borrow_mut(|panels| {
        // SAFETY: the caller's promise.
        unsafe {
            match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(task, panels),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(task, panels),
                _ => run::<Plain, 4>(task, panels),
            }
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task, panels: &mut Vec<f32>) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx512, 16>(task, panels) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task, panels: &mut Vec<f32>) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx2, 4>(task, panels) }
}

/// Goes over the weights in blocks of rows, in panels of `WIDTH` columns.
#[inline(always)]
unsafe fn run<V: Vector, const WIDTH: usize>(task: &Task, panels: &mut Vec<f32>) {
    for start in (0..task.outputs).step_by(ROWS) {
        let rows = start..(start + ROWS).min(task.outputs);
        copy::<WIDTH>(task, &rows, panels);
        let blocks = task.gz.len() / task.outputs;
        let tiles = panels.len() / (rows.len() * WIDTH) * blocks;
        let mut ahead = rows.end;
        for (panel, weights) in panels.chunks_exact(rows.len() * WIDTH).enumerate() {
            for block in 0..blocks {
                let next = (ahead + ROWS.div_ceil(tiles.max(1))).min(task.outputs);
                fetch(task, ahead..next.min(rows.end + ROWS));
                ahead = next;
                // SAFETY: the caller's promise; the panel is within the range.
                unsafe { tile::<V, WIDTH>(task, panel, weights, block, &rows) }
            }
        }
    }
}

/// Asks for some rows that will be copied soon.
#[inline(always)]
fn fetch(task: &Task, rows: Range<usize>) {
    for row in rows {
        let start = row * task.inputs;
        let row = &task.w[start + task.range.start..start + task.range.end];
        row.iter().step_by(LANES).for_each(|place| prefetch(place));
    }
}

/// Copies the rows to panels; columns that the last one lacks become zero.
#[inline(always)]
fn copy<const WIDTH: usize>(task: &Task, rows: &Range<usize>, panels: &mut Vec<f32>) {
    let len = rows.len() * WIDTH;
    panels.clear();
    panels.resize(task.range.len().div_ceil(WIDTH) * len, 0.0);
    for (line, row) in rows.clone().enumerate() {
        let start = row * task.inputs;
        let row = &task.w[start + task.range.start..start + task.range.end];
        let (full, rest) = row.as_chunks::<WIDTH>();
        for (panel, from) in panels.chunks_exact_mut(len).zip(full) {
            panel[line * WIDTH..][..WIDTH].copy_from_slice(from);
        }
        if !rest.is_empty() {
            panels[full.len() * len + line * WIDTH..][..rest.len()].copy_from_slice(rest);
        }
    }
}

/// Adds some rows to one panel of one block of images.
#[inline(always)]
unsafe fn tile<V: Vector, const WIDTH: usize>(
    task: &Task,
    panel: usize,
    weights: &[f32],
    block: usize,
    rows: &Range<usize>,
) {
    let first = task.range.start + panel * WIDTH;
    let columns = WIDTH.min(task.range.end - first);
    let gz = &task.gz[block * task.outputs..][rows.clone()];
    debug_assert_eq!(weights.len(), gz.len() * WIDTH);
    // SAFETY: the caller's promise; only columns within the range are touched.
    unsafe {
        let place =
            |column: usize| -> *mut f32 { task.gx.at(block * task.inputs + first + column).cast() };
        let mut sums: [V; WIDTH] = std::array::from_fn(|column| {
            if rows.start > 0 && column < columns {
                V::load(place(column))
            } else {
                V::splat(0.0)
            }
        });
        let mut weights = weights.as_ptr();
        for gz in gz {
            let gradient = V::load(gz.0.as_ptr());
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum = gradient.mul_add(V::splat(*weights.add(column)), *sum);
            }
            weights = weights.add(WIDTH);
        }
        for (column, sum) in sums.iter().enumerate() {
            if column < columns {
                sum.store(place(column));
            }
        }
    }
}
