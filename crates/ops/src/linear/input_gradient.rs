//! The kernel of the input gradient, which walks the weights down their
//! columns. A block of them is first copied so that a few columns lie together;
//! that reads each weight from memory once and in long stretches.

use std::ops::Range;

use super::operands::{Matrix, Operands};
use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::multiversion::by_product;
use crate::shared::Shared;
use crate::vector::{Product, Vector, prefetch};

/// Steps whose rows of the weights are copied at once: about an eighth of a
/// mebibyte. Not a power of two, so that the panels, which are written side by
/// side, do not drive each other out of the cache.
const STEPS: usize = 124;

/// The gradients of some inputs, for all blocks of images.
pub(super) struct Task<'a, E: Operands> {
    pub inputs: usize,
    pub outputs: usize,
    /// Which inputs.
    pub range: Range<usize>,
    /// `[blocks, outputs / STEP]`.
    pub gz: &'a [E::Lanes],
    /// `[outputs, inputs]`.
    pub w: Matrix<'a>,
    /// `[blocks, inputs]`.
    pub gx: Shared<'a, Lanes>,
}

/// Some rows of the weights of a task's inputs.
struct Copied<E: Operands> {
    rows: Range<usize>,
    /// For each panel of columns `[rows / STEP, columns of the panel]`.
    panels: Vec<E::Weight>,
}

/// Columns of a panel.
fn width(level: Level) -> usize {
    match level {
        Level::Avx512 | Level::Amx => 16,
        Level::Avx2 | Level::Portable => 4,
    }
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; the slices have the lengths the sizes ask for; no
/// other task writes the same inputs.
pub(super) unsafe fn input_gradient<E: Operands>(level: Level, task: &Task<E>) {
    let mut copied = Copied::<E> {
        rows: 0..0,
        panels: Vec::new(),
    };
    let rows = STEPS * E::STEP;
    for start in (0..task.outputs).step_by(rows) {
        copied.rows = start..(start + rows).min(task.outputs);
        copied.fill(level, task);
        // SAFETY: the caller's promise; the panels have the level's width.
        unsafe { tiles(level, task, &copied) }
    }
}

by_product! {
    unsafe fn tiles<E: Operands>(task: &Task<E>, copied: &Copied<E>) = run, [16], [4];
}

impl<E: Operands> Copied<E> {
    /// Steps of a sum over the rows.
    fn steps(&self) -> usize {
        self.rows.len().div_ceil(E::STEP)
    }

    /// Copies the rows to panels; columns that the last one lacks become zero.
    fn fill(&mut self, level: Level, task: &Task<E>) {
        let width = width(level);
        let len = self.steps() * width;
        self.panels.clear();
        let panels = task.range.len().div_ceil(width);
        self.panels.resize(panels * len, E::Weight::default());
        let mut scratch = Vec::new();
        for (step, first) in self.rows.clone().step_by(E::STEP).enumerate() {
            let row = |row: usize| match row < self.rows.end {
                true => task.w.row(row, &task.range),
                false => &[],
            };
            let joined = E::join_rows(level, [row(first), row(first + 1)], &mut scratch);
            let panels = self.panels.chunks_exact_mut(len);
            for (panel, from) in panels.zip(joined.chunks(width)) {
                panel[step * width..][..from.len()].copy_from_slice(from);
            }
        }
    }
}

/// Goes over the panels of columns.
#[inline(always)]
unsafe fn run<E: Operands, P: Product<E>, const WIDTH: usize>(task: &Task<E>, copied: &Copied<E>) {
    let rows = &copied.rows;
    let len = copied.steps() * WIDTH;
    let blocks = task.gz.len() / task.outputs.div_ceil(E::STEP);
    let tiles = copied.panels.len() / len * blocks;
    let most = STEPS * E::STEP;
    let mut ahead = rows.end;
    for (panel, weights) in copied.panels.chunks_exact(len).enumerate() {
        for block in 0..blocks {
            let next = (ahead + most.div_ceil(tiles.max(1))).min(task.outputs);
            fetch(task, ahead..next.min(rows.end + most));
            ahead = next;
            // SAFETY: the caller's promise; the panel is within the range.
            unsafe { tile::<E, P, WIDTH>(task, panel, weights, block, rows) }
        }
    }
}

/// Asks for some rows that will be copied soon.
#[inline(always)]
fn fetch<E: Operands>(task: &Task<E>, rows: Range<usize>) {
    for row in rows {
        let row = task.w.row(row, &task.range);
        row.iter().step_by(LANES).for_each(|place| prefetch(place));
    }
}

/// Adds some rows to one panel of one block of images.
#[inline(always)]
unsafe fn tile<E: Operands, P: Product<E>, const WIDTH: usize>(
    task: &Task<E>,
    panel: usize,
    weights: &[E::Weight],
    block: usize,
    rows: &Range<usize>,
) {
    let first = task.range.start + panel * WIDTH;
    let columns = WIDTH.min(task.range.end - first);
    let gz = &task.gz[block * task.outputs.div_ceil(E::STEP)..];
    let gz = &gz[rows.start / E::STEP..rows.end.div_ceil(E::STEP)];
    debug_assert_eq!(weights.len(), gz.len() * WIDTH);
    // SAFETY: the caller's promise; only columns within the range are touched.
    unsafe {
        let place =
            |column: usize| -> *mut f32 { task.gx.at(block * task.inputs + first + column).cast() };
        let mut sums: [P::Sum; WIDTH] = std::array::from_fn(|column| {
            if rows.start > 0 && column < columns {
                P::Sum::load(place(column))
            } else {
                P::Sum::splat(0.0)
            }
        });
        let mut weights = weights.as_ptr();
        for gz in gz {
            let gradient = P::operands(gz);
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum = gradient.add_product(P::broadcast(*weights.add(column)), *sum);
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
