//! The kernel of a pass: for each produced pixel, the sums of up to sixteen
//! channels stay in registers while all its taps go by.
//!
//! One step loads one pixel of sixteen images and multiplies it with one
//! weight of each channel, which the processor broadcasts from memory on the
//! way into the multiply-add. That is sixteen multiply-adds for seventeen
//! loads, which is what the load units keep up with.

use std::ops::Range;

use super::packing::ChannelBlock;
use super::pass::{Pass, Span};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::vector::{Plain, Vector, activate};
use crate::{Activation, Level};

/// One channel block, for some rows of one block of images.
pub(super) struct Task<'a> {
    pub pass: &'a Pass,
    pub block: ChannelBlock,
    /// The produced rows.
    pub rows: Range<usize>,
    /// Of one block of images: `[channels, height, width]`.
    pub source: &'a [Lanes],
    /// `[summed, kH, kW, width]`.
    pub weights: &'a [f32],
    /// Of the channel block.
    pub bias: Option<&'a [f32]>,
    pub act: Activation,
    /// Of one block of images: `[channels, height, width]`.
    pub produced: Shared<'a, Lanes>,
}

/// The widest channel block that leaves no sum without a register.
pub(super) fn widest(level: Level) -> usize {
    match level {
        Level::Avx512 => 16,
        Level::Avx2 | Level::Portable => 4,
    }
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; no other task writes the same rows of the same channels.
pub(super) unsafe fn correlate(level: Level, task: &Task) {
    let pass = task.pass;
    assert_eq!(task.source.len(), pass.source_len());
    assert_eq!(
        task.weights.len(),
        pass.summed * pass.taps() * task.block.width
    );
    // SAFETY: the caller's promise; the lengths are checked.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(task),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(task),
            _ => run::<Plain>(task),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx512>(task) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx2>(task) }
}

#[inline(always)]
unsafe fn run<V: Vector>(task: &Task) {
    // SAFETY: the caller's promise; the width is the block's.
    unsafe {
        match task.block.width {
            16 => rows::<V, 16>(task),
            8 => rows::<V, 8>(task),
            4 => rows::<V, 4>(task),
            2 => rows::<V, 2>(task),
            _ => rows::<V, 1>(task),
        }
    }
}

#[inline(always)]
unsafe fn rows<V: Vector, const WIDTH: usize>(task: &Task) {
    let pass = task.pass;
    let [height, width] = pass.extent();
    let first = task.block.group * pass.produced + task.block.first;
    for row in task.rows.clone() {
        for column in 0..width {
            let at = [pass.spans[0][row], pass.spans[1][column]];
            // SAFETY: the caller's promise; the indices are of this task's
            // rows and channels.
            unsafe {
                let sums = pixel::<V, WIDTH>(task, at);
                for (channel, sum) in sums.into_iter().enumerate() {
                    let index = ((first + channel) * height + row) * width + column;
                    activate(task.act, sum).store(task.produced.at(index).cast());
                }
            }
        }
    }
}

/// The sums of one produced pixel.
#[inline(always)]
unsafe fn pixel<V: Vector, const WIDTH: usize>(
    task: &Task,
    [rows, columns]: [Span; 2],
) -> [V; WIDTH] {
    let pass = task.pass;
    let [height, width] = pass.source;
    // SAFETY: the caller has the instruction set.
    let mut sums = [unsafe { V::splat(0.0) }; WIDTH];
    if let Some(bias) = task.bias {
        for (sum, bias) in sums.iter_mut().zip(bias) {
            // SAFETY: as above.
            *sum = unsafe { V::splat(*bias) };
        }
    }
    let tap_column = pass.tap_step[1] * WIDTH;
    let tap_row = pass.tap_step[0] * pass.kernel[1] * WIDTH;
    let source_row = pass.source_step * width as isize;
    let mut plane =
        (task.block.group * pass.summed * height + rows.source) * width + columns.source;
    let mut plane_taps = (rows.tap * pass.kernel[1] + columns.tap) * WIDTH;
    for _ in 0..pass.summed {
        let (mut row_source, mut row_tap) = (plane as isize, plane_taps);
        for _ in 0..rows.count {
            let (mut source, mut tap) = (row_source, row_tap);
            for _ in 0..columns.count {
                debug_assert!(source >= 0 && (source as usize) < task.source.len());
                debug_assert!(tap + WIDTH <= task.weights.len());
                // SAFETY: a span holds only taps that read within the source.
                unsafe {
                    let value = V::load(task.source.as_ptr().offset(source).cast());
                    let weights = task.weights.as_ptr().add(tap);
                    for (channel, sum) in sums.iter_mut().enumerate() {
                        *sum = value.mul_add(V::splat(*weights.add(channel)), *sum);
                    }
                }
                source += pass.source_step;
                tap += tap_column;
            }
            row_source += source_row;
            row_tap += tap_row;
        }
        plane += height * width;
        plane_taps += pass.taps() * WIDTH;
    }
    sums
}
