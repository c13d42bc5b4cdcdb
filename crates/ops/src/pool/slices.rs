//! Max-pooling over plain slices in `[N, C, H, W]` order.
//!
//! Each plane is first dealt out by column modulo stride into a small scratch,
//! padding included. Neighbouring windows then read neighbouring values whatever
//! the stride, so that one vector register holds a run of windows.

use rayon::prelude::*;

use super::PoolShape;
use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Windows worked on together: a vector register of them.
const RUN: usize = 16;

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
        let windows = shape.output()[1].next_multiple_of(RUN);
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
    fn plane<const WINNERS: bool>(
        shape: &PoolShape,
        phases: &Phases,
        scratch: &mut [f32],
        x: &[f32],
        y: &mut [f32],
        winners: &mut [u32],
    ) {
        deal_out(shape, phases, x, scratch);
        let [_, width] = shape.input;
        let [_, out_width] = shape.output();
        let mut no_winners = [0; RUN];
        for (row, y) in y.chunks_exact_mut(out_width).enumerate() {
            let top = row * shape.stride[0];
            let taps = Taps {
                rows: shape.padding[0].saturating_sub(top)
                    ..shape.kernel[0].min(shape.input[0] + shape.padding[0] - top),
                // Wraps below zero in the padding and back when a tap is added.
                corner: ((top.wrapping_sub(shape.padding[0])).wrapping_mul(width) as u32)
                    .wrapping_sub(shape.padding[1] as u32),
            };
            for (run, y) in y.chunks_mut(RUN).enumerate() {
                let first = run * RUN;
                let winners = match WINNERS {
                    true => &mut winners[row * out_width + first..][..y.len()],
                    false => &mut no_winners[..y.len()],
                };
                run_of_windows::<WINNERS>(shape, phases, scratch, top, &taps, first, y, winners);
            }
        }
    }
}

/// What the windows of one output row share.
struct Taps {
    /// Window rows that are not padding.
    rows: std::ops::Range<usize>,
    /// Number of the input at the top left of the first window, modulo 2^32.
    corner: u32,
}

/// Pools up to [`RUN`] neighbouring windows.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the operands of an inner loop")]
fn run_of_windows<const WINNERS: bool>(
    shape: &PoolShape,
    phases: &Phases,
    scratch: &[f32],
    top: usize,
    taps: &Taps,
    first: usize,
    y: &mut [f32],
    winners: &mut [u32],
) {
    let width = shape.input[1] as u32;
    let stride = shape.stride[1];
    let count = phases.starts.len();
    let mut best = [f32::NEG_INFINITY; RUN];
    let mut won = [0; RUN];
    if WINNERS {
        // Where nothing is larger than minus infinity the first place wins.
        won.copy_from_slice(&phases.first_columns[first..first + RUN]);
        for won in &mut won {
            *won = won.wrapping_add((taps.rows.start as u32).wrapping_mul(width));
        }
    }
    for kernel_row in taps.rows.clone() {
        let row = (top + kernel_row - shape.padding[0]) * count * phases.len;
        let (mut phase, mut position) = (0, first);
        for kernel_column in 0..shape.kernel[1] {
            let values = &scratch[row + phase * phases.len + position..][..RUN];
            let tap = (kernel_row as u32)
                .wrapping_mul(width)
                .wrapping_add(kernel_column as u32);
            for lane in 0..RUN {
                // A NaN wins, and is beaten by another NaN alone.
                let wins = (values[lane] > best[lane]) | values[lane].is_nan();
                best[lane] = if wins { values[lane] } else { best[lane] };
                if WINNERS {
                    won[lane] = if wins { tap } else { won[lane] };
                }
            }
            phase += 1;
            if phase == stride {
                (phase, position) = (0, position + 1);
            }
        }
    }
    y.copy_from_slice(&best[..y.len()]);
    if WINNERS {
        for (lane, won) in won.iter_mut().enumerate() {
            let window = ((first + lane) * stride) as u32;
            *won = won.wrapping_add(taps.corner).wrapping_add(window);
        }
        winners.copy_from_slice(&won[..winners.len()]);
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
                let len = width.min(phases.len - position);
                row[position..position + len].copy_from_slice(&x[..len]);
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
