//! Max-pooling over plain slices in `[N, C, H, W]` order.
//!
//! Each plane is first dealt out by column modulo stride into a small scratch,
//! padding included. Neighbouring windows then read neighbouring values whatever
//! the stride, so that one vector register holds a run of windows.

use std::ops::Range;

use rayon::prelude::*;

use super::PoolShape;
use super::contest::{self, Contest, WINDOWS};
use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Values a parallel task has at least, so that small planes are not a task each.
const TASK: usize = 16 * 1024;

/// `y` = the largest value of each window; where `winners` is given, also which
/// input of its plane (`row * W + column`) that was.
///
/// `x` is `[N, C, H, W]`, `y` and `winners` are `[N, C, H', W']` and are
/// overwritten. Of equal values the first in row-major order wins; a window that
/// holds a NaN yields NaN (the last one), both as in PyTorch.
///
/// # Panics
/// When a slice has another length than the (checked) shape asks for.
pub fn max_pool2d_forward(
    shape: &PoolShape,
    batch: usize,
    x: &[f32],
    y: &mut [f32],
    winners: Option<&mut [u32]>,
) {
    forward_at(level(), shape, batch, x, y, winners);
}

/// [`max_pool2d_forward`] on one instruction set.
pub(super) fn forward_at(
    level: Level,
    shape: &PoolShape,
    batch: usize,
    x: &[f32],
    y: &mut [f32],
    winners: Option<&mut [u32]>,
) {
    check_length(shape, "x", x.len(), batch * shape.input_len());
    check_length(shape, "y", y.len(), batch * shape.output_len());
    if batch == 0 {
        return;
    }
    let phases = Phases::new(shape);
    let planes = batch * shape.channels;
    let (input, output) = (x.len() / planes, y.len() / planes);
    let planes = x
        .par_chunks_exact(input)
        .zip(y.par_chunks_exact_mut(output));
    let tasks = (TASK / input).max(1);
    match winners {
        None => planes.with_min_len(tasks).for_each_init(
            || phases.scratch(),
            |scratch, (x, y)| plane::<false>(level, shape, &phases, scratch, x, y, &mut []),
        ),
        Some(winners) => {
            check_length(shape, "winners", winners.len(), batch * shape.output_len());
            planes
                .zip(winners.par_chunks_exact_mut(output))
                .with_min_len(tasks)
                .for_each_init(
                    || phases.scratch(),
                    |scratch, ((x, y), winners)| {
                        plane::<true>(level, shape, &phases, scratch, x, y, winners);
                    },
                );
        }
    }
}

/// The gradient of [`max_pool2d_forward`]: each `gy` is added to the `gx` of the
/// input that won.
///
/// `winners` is what the forward pass noted, `gy` `[N, C, H', W']` and `gx`
/// `[N, C, H, W]`, which is overwritten.
///
/// # Panics
/// When a slice has another length than the shape asks for, or a winner lies
/// outside its plane.
pub fn max_pool2d_backward(
    shape: &PoolShape,
    batch: usize,
    winners: &[u32],
    gy: &[f32],
    gx: &mut [f32],
) {
    check_length(shape, "winners", winners.len(), batch * shape.output_len());
    check_length(shape, "gy", gy.len(), batch * shape.output_len());
    check_length(shape, "gx", gx.len(), batch * shape.input_len());
    if batch == 0 {
        return;
    }
    let planes = batch * shape.channels;
    let (input, output) = (gx.len() / planes, gy.len() / planes);
    gx.par_chunks_exact_mut(input)
        .zip(gy.par_chunks_exact(output))
        .zip(winners.par_chunks_exact(output))
        .with_min_len((TASK / input).max(1))
        .for_each(|((gx, gy), winners)| {
            gx.fill(0.0);
            for (winner, gy) in winners.iter().zip(gy) {
                gx[*winner as usize] += gy;
            }
        });
}

fn check_length(shape: &PoolShape, name: &str, found: usize, wanted: usize) {
    assert_eq!(
        found, wanted,
        "max_pool2d: `{name}` has the wrong length for {shape:?}"
    );
}

/// How a plane is dealt out: row by row, and in each row the columns that are
/// equal modulo the stride together.
struct Phases {
    /// Rows of a plane.
    rows: usize,
    /// Values of one row and phase, with room for a whole run of windows.
    len: usize,
    /// By phase: its first input column, and where in the phase that stands.
    starts: Vec<[usize; 2]>,
    /// By window of an output row: its first column that is not padding, counted
    /// from the window's start. Rounded up to whole runs.
    first_columns: Vec<u32>,
}

impl Phases {
    fn new(shape: &PoolShape) -> Self {
        let (stride, padding) = (shape.stride[1], shape.padding[1]);
        let windows = shape.output()[1].next_multiple_of(WINDOWS);
        Self {
            rows: shape.input[0],
            len: windows + (shape.kernel[1] - 1) / stride,
            starts: (0..stride.min(shape.kernel[1]))
                .map(|phase| {
                    // The first column at or after the padding that is of this phase.
                    let position = padding.saturating_sub(phase).div_ceil(stride);
                    [phase + position * stride - padding, position]
                })
                .collect(),
            first_columns: (0..windows)
                .map(|window| padding.saturating_sub(window * stride) as u32)
                .collect(),
        }
    }

    /// A scratch whose padding is in place and stays there.
    fn scratch(&self) -> Vec<f32> {
        vec![f32::NEG_INFINITY; self.rows * self.starts.len() * self.len]
    }
}

multiversion! {
    /// Pools one plane. `scratch` is from [`Phases::scratch`] and was used for
    /// planes of this shape alone.
    fn plane<C: Contest in contest, const WINNERS: bool>(
        shape: &PoolShape,
        phases: &Phases,
        scratch: &mut [f32],
        x: &[f32],
        y: &mut [f32],
        winners: &mut [u32],
    ) {
        deal_out(shape, phases, x, scratch);
        let width = shape.output()[1];
        for (row, y) in y.chunks_exact_mut(width).enumerate() {
            let taps = Taps::of_row(shape, phases, row);
            for first in (0..width).step_by(WINDOWS) {
                let count = WINDOWS.min(width - first);
                // SAFETY: the macro chose the contest of an available level.
                let (best, won) = unsafe {
                    let contest = taps.run::<C>(phases, scratch, first);
                    (contest.best(), contest.won())
                };
                y[first..first + count].copy_from_slice(&best[..count]);
                if WINNERS {
                    let winners = &mut winners[row * width + first..][..count];
                    for (lane, winner) in winners.iter_mut().enumerate() {
                        let left = ((first + lane) * shape.stride[1]) as u32;
                        *winner = won[lane].wrapping_add(taps.corner).wrapping_add(left);
                    }
                }
            }
        }
    }
}

/// The taps of one output row's windows.
struct Taps {
    /// Window rows that are not padding.
    rows: Range<usize>,
    columns: usize,
    stride: usize,
    /// Columns of the input, by which a tap's number grows from row to row.
    width: usize,
    /// Where the scratch has the first of the rows, and how far apart they are.
    start: usize,
    step: usize,
    /// The input at the top left of the first window, modulo 2^32: it may lie
    /// outside, and a tap's number leads back in.
    corner: u32,
}

impl Taps {
    #[inline(always)]
    fn of_row(shape: &PoolShape, phases: &Phases, row: usize) -> Self {
        let (top, padding) = (row * shape.stride[0], shape.padding[0]);
        let rows = padding.saturating_sub(top)..shape.kernel[0].min(shape.input[0] + padding - top);
        let step = phases.starts.len() * phases.len;
        let corner = top.wrapping_sub(padding).wrapping_mul(shape.input[1]);
        Self {
            start: (top + rows.start - padding) * step,
            rows,
            columns: shape.kernel[1],
            stride: shape.stride[1],
            width: shape.input[1],
            step,
            corner: corner.wrapping_sub(shape.padding[1]) as u32,
        }
    }

    /// The contest of the windows from `first` on.
    ///
    /// # Safety
    /// The machine has the instruction set of `C`.
    #[inline(always)]
    unsafe fn run<C: Contest>(&self, phases: &Phases, scratch: &[f32], first: usize) -> C {
        let mut columns = [0; WINDOWS];
        columns.copy_from_slice(&phases.first_columns[first..first + WINDOWS]);
        let skipped = self.rows.start * self.width;
        // SAFETY: the caller's promise.
        let mut contest = unsafe { C::new(columns.map(|c| c.wrapping_add(skipped as u32))) };
        let mut start = self.start + first;
        for row in self.rows.clone() {
            let (mut phase, mut at) = (0, start);
            for column in 0..self.columns {
                let values = &scratch[at..at + WINDOWS];
                let tap = (row * self.width + column) as u32;
                // SAFETY: the caller's promise; there are as many values as lanes.
                contest = unsafe { contest.meet(values.as_ptr(), tap) };
                (phase, at) = (phase + 1, at + phases.len);
                if phase == self.stride {
                    (phase, at) = (0, at + 1 - self.stride * phases.len);
                }
            }
            start += self.step;
        }
        contest
    }
}

/// Copies a plane to its scratch.
#[inline(always)]
fn deal_out(shape: &PoolShape, phases: &Phases, x: &[f32], scratch: &mut [f32]) {
    let [_, width] = shape.input;
    let rows = scratch.chunks_exact_mut(phases.len * phases.starts.len());
    for (x, row) in x.chunks_exact(width).zip(rows) {
        match shape.stride[1] {
            1 => {
                let [_, position] = phases.starts[0];
                row[position..position + width].copy_from_slice(x);
            }
            stride => {
                for (phase, [column, position]) in phases.starts.iter().enumerate() {
                    let values = &mut row[phase * phases.len..][..phases.len][*position..];
                    let from = x.get(*column..).unwrap_or_default();
                    match stride {
                        2 => every_second(from, values),
                        _ => {
                            for (value, x) in values.iter_mut().zip(from.iter().step_by(stride)) {
                                *value = *x;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Copies every second value, in a form that compiles to shuffles.
#[inline(always)]
fn every_second(from: &[f32], to: &mut [f32]) {
    let pairs = from.chunks_exact(2);
    let last = pairs.remainder().first();
    let count = pairs.len();
    for (value, pair) in to.iter_mut().zip(pairs) {
        *value = pair[0];
    }
    if let (Some(value), Some(last)) = (to.get_mut(count), last) {
        *value = *last;
    }
}
