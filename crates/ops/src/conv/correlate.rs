//! The kernel of a pass: for each produced pixel, the sums of up to sixteen
//! channels stay in registers while all its taps go by.
//!
//! One step loads one pixel (in bfloat16 one of two channels) of sixteen images and
//! multiplies it with one weight of each channel, which the processor broadcasts from
//! memory on the way into the multiply-add. That is sixteen multiply-adds for seventeen
//! loads, which is what the load units keep up with.

use std::ops::Range;

use super::packing::ChannelBlock;
use super::pass::{COLOURS, Pass, Span};
use crate::lanes::Lanes;
use crate::multiversion::by_product;
use crate::shared::Shared;
use crate::vector::{Element, Product, Vector, activate, prefetch};
use crate::{Activation, Level};

/// One channel block, for some rows of one block of images.
pub(super) struct Task<'a, E: Element> {
    pub pass: &'a Pass,
    pub block: ChannelBlock,
    /// The produced rows.
    pub rows: Range<usize>,
    /// Of one block of images: `[channels, height, width]`.
    pub source: &'a [E::Lanes],
    /// `[summed, kH, kW, width]`.
    pub weights: &'a [E::Weight],
    /// Of the channel block.
    pub bias: Option<&'a [f32]>,
    pub act: Activation,
    /// Of one block of images: `[channels, height, width]`.
    pub produced: Shared<'a, Lanes>,
}

/// The widest channel block that leaves no sum without a register.
pub(super) fn widest(level: Level) -> usize {
    match level {
        Level::Avx512 | Level::Amx => 16,
        Level::Avx2 | Level::Portable => 4,
    }
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; `produced` holds all channels of the pass, the block's and
/// the rows' within them; no other task writes the same rows of the same channels.
pub(super) unsafe fn correlate<E: Element>(level: Level, task: &Task<E>) {
    let pass = task.pass;
    assert_eq!(task.source.len(), pass.source_len());
    assert_eq!(
        task.weights.len(),
        pass.summed * pass.taps() * task.block.width
    );
    let width = task.block.width;
    assert!(task.bias.is_none_or(|bias| bias.len() == width));
    // SAFETY: the caller's promise; the lengths are checked.
    unsafe { all_rows(level, task) }
}

by_product! {
    unsafe fn all_rows<E: Element>(task: &Task<E>) = run, [], [];
}

#[inline(always)]
unsafe fn run<E: Element, P: Product<E>>(task: &Task<E>) {
    // SAFETY: the caller's promise; the width is the block's.
    unsafe {
        match task.block.width {
            16 => rows::<E, P, 16>(task),
            8 => rows::<E, P, 8>(task),
            4 => rows::<E, P, 4>(task),
            2 => rows::<E, P, 2>(task),
            _ => rows::<E, P, 1>(task),
        }
    }
}

/// Source lanes, of the rows one produced row reads, that should stay in the
/// second-level cache beside the weights: a quarter of a mebibyte.
const BAND: usize = 4096;

/// Taps below which it is not worth setting sums aside and fetching them again.
const SHORTEST: usize = 256;

/// Into how many about equal parts the summed channels are divided, one summed
/// over the whole image before the next.
fn parts(pass: &Pass) -> usize {
    if pass.summed <= COLOURS {
        return 1;
    }
    let channels = BAND / (pass.kernel[0] * pass.source[1]);
    pass.summed
        .div_ceil(channels.max(SHORTEST.div_ceil(pass.taps())))
}

#[inline(always)]
unsafe fn rows<E: Element, P: Product<E>, const WIDTH: usize>(task: &Task<E>) {
    let pass = task.pass;
    let [height, width] = pass.extent();
    let plane = height * width;
    let first = task.block.group * pass.produced + task.block.first;
    let parts = parts(pass);
    for part in 0..parts {
        let channels = pass.summed * part / parts..pass.summed * (part + 1) / parts;
        for row in task.rows.clone() {
            for column in 0..width {
                let at = [pass.spans[0][row], pass.spans[1][column]];
                let start = first * plane + row * width + column;
                // SAFETY: the caller's promise; the places are of this task's
                // rows and channels.
                unsafe {
                    let mut sums = match part {
                        0 => [P::Sum::splat(0.0); WIDTH],
                        _ => std::array::from_fn(|channel| {
                            P::Sum::load(task.produced.at(start + channel * plane).cast())
                        }),
                    };
                    if pass.summed <= COLOURS {
                        sum_taps_of_image::<E, P, WIDTH>(task, at, &mut sums);
                    } else {
                        sum_taps::<E, P, WIDTH>(task, &channels, at, &mut sums);
                    }
                    let act = if part + 1 == parts {
                        add_bias(task, &mut sums);
                        task.act
                    } else {
                        Activation::Identity
                    };
                    finish(task, act, start, plane, &sums);
                }
            }
        }
    }
}

/// Adds the bias to finished sums.
#[inline(always)]
unsafe fn add_bias<E: Element, V: Vector, const WIDTH: usize>(
    task: &Task<E>,
    sums: &mut [V; WIDTH],
) {
    if let Some(bias) = task.bias {
        debug_assert_eq!(bias.len(), WIDTH);
        for (channel, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller has the instruction set; the bias is of this
            // block. A product with one is exact.
            *sum = unsafe { sum.mul_add(V::splat(1.0), V::splat(*bias.get_unchecked(channel))) };
        }
    }
}

/// Activates and stores the sums of one pixel, whose channels are `plane` apart.
#[inline(always)]
unsafe fn finish<E: Element, V: Vector, const WIDTH: usize>(
    task: &Task<E>,
    act: Activation,
    start: usize,
    plane: usize,
    sums: &[V; WIDTH],
) {
    // By reference: to move the array into an iterator would copy it in memory.
    for (channel, sum) in sums.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let place: *mut f32 = task.produced.at(start + channel * plane).cast();
            match act {
                Activation::Relu => activate(Activation::Relu, *sum).store(place),
                Activation::Identity | Activation::Tanh => sum.store(place),
            }
        }
    }
    if act == Activation::Tanh {
        for channel in 0..WIDTH {
            // SAFETY: the caller's promise. The loop is too long to unroll, so
            // it goes through memory lest the sums live there all along.
            unsafe {
                let place: *mut f32 = task.produced.at(start + channel * plane).cast();
                activate(Activation::Tanh, V::load(place)).store(place);
            }
        }
    }
}

/// Adds to the sums of one produced pixel the taps of some source channels.
#[inline(always)]
unsafe fn sum_taps<E: Element, P: Product<E>, const WIDTH: usize>(
    task: &Task<E>,
    channels: &Range<usize>,
    [rows, columns]: [Span; 2],
    sums: &mut [P::Sum; WIDTH],
) {
    let pass = task.pass;
    let [height, width] = pass.source;
    let tap_column = pass.tap_step[1] * WIDTH;
    let tap_row = pass.tap_step[0] * pass.kernel[1] * WIDTH;
    let channel = task.block.group * pass.summed + channels.start;
    let mut plane = (channel * height + rows.source) * width + columns.source;
    let tap = rows.tap * pass.kernel[1] + columns.tap;
    let mut plane_taps = (channels.start * pass.taps() + tap) * WIDTH;
    for _ in channels.clone() {
        let (mut row_source, mut row_tap) = (plane, plane_taps);
        for _ in 0..rows.count {
            let (mut source, mut tap) = (row_source, row_tap);
            for _ in 0..columns.count {
                debug_assert!(source < task.source.len() && tap + WIDTH <= task.weights.len());
                // SAFETY: a span holds only taps that read within the source.
                unsafe {
                    let value = P::operands(task.source.as_ptr().add(source));
                    let weights = task.weights.as_ptr().add(tap);
                    for (channel, sum) in sums.iter_mut().enumerate() {
                        *sum = value.add_product(P::broadcast(*weights.add(channel)), *sum);
                    }
                }
                source += pass.source_step;
                tap += tap_column;
            }
            // The next produced pixel will read this one, and the processor
            // does not see it coming.
            prefetch(task.source.as_ptr().wrapping_add(source));
            row_source += width;
            row_tap += tap_row;
        }
        plane += height * width;
        plane_taps += pass.taps() * WIDTH;
    }
}

/// [`sum_taps`] of all channels where there are few, one place after the other.
///
/// That is the order, bias last, in which the library behind PyTorch's CPU
/// convolutions goes through an image: the sums are the same bits, so that of
/// values a rounding apart the same one wins the max-pooling that follows.
#[inline(always)]
unsafe fn sum_taps_of_image<E: Element, P: Product<E>, const WIDTH: usize>(
    task: &Task<E>,
    [rows, columns]: [Span; 2],
    sums: &mut [P::Sum; WIDTH],
) {
    let pass = task.pass;
    let [height, width] = pass.source;
    let plane = height * width;
    let plane_taps = pass.taps() * WIDTH;
    let tap_column = pass.tap_step[1] * WIDTH;
    let tap_row = pass.tap_step[0] * pass.kernel[1] * WIDTH;
    let channel = task.block.group * pass.summed;
    let mut row_source = (channel * height + rows.source) * width + columns.source;
    let mut row_tap = (rows.tap * pass.kernel[1] + columns.tap) * WIDTH;
    for _ in 0..rows.count {
        let (mut source, mut tap) = (row_source, row_tap);
        for _ in 0..columns.count {
            for channel in 0..pass.summed {
                let (source, tap) = (source + channel * plane, tap + channel * plane_taps);
                debug_assert!(source < task.source.len() && tap + WIDTH <= task.weights.len());
                // SAFETY: a span holds only taps that read within the source.
                unsafe {
                    let value = P::operands(task.source.as_ptr().add(source));
                    let weights = task.weights.as_ptr().add(tap);
                    for (channel, sum) in sums.iter_mut().enumerate() {
                        *sum = value.add_product(P::broadcast(*weights.add(channel)), *sum);
                    }
                }
            }
            source += pass.source_step;
            tap += tap_column;
        }
        row_source += width;
        row_tap += tap_row;
    }
}
