//! The kernel of the weight gradient: sums of a few filters times a few input
//! channels stay in registers while the pixels go by, each lane for itself; the
//! lanes are added up once at the end.
//!
//! The output is walked in patches small enough that the gradient of one stays
//! in the first-level cache for all taps.

use std::cell::RefCell;
use std::ops::Range;

use super::ConvShape;
use super::packing::ChannelBlock;
use crate::Level;
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::vector::{Plain, Vector};

/// Lanes of the output's gradient in one patch, over all its filters: half of
/// a first-level cache of 32 KiB.
const PATCH: usize = 256;

/// The weights that join some filters and some input channels of one group,
/// for some rows of the kernel.
pub(super) struct Task<'a> {
    pub shape: &'a ConvShape,
    pub filters: ChannelBlock,
    /// The first input channel within the group.
    pub channel: usize,
    /// Input channels: 1 to 3.
    pub channels: usize,
    /// Rows of the kernel.
    pub kernel_rows: Range<usize>,
    /// `[blocks, C, H, W]`.
    pub x: &'a [Lanes],
    /// `[blocks, O, H', W']`.
    pub gz: &'a [Lanes],
    /// `[O, C / groups, kH, kW]`, added to.
    pub gw: Shared<'a, f32>,
}

/// The widest block of filters and of input channels that leaves no sum
/// without a register.
pub(super) fn widest(level: Level) -> [usize; 2] {
    match level {
        Level::Avx512 => [8, 3],
        Level::Avx2 | Level::Portable => [2, 2],
    }
}

thread_local! {
    /// Sums that wait in memory while another tap uses the registers.
    static SUMS: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// Computes one task.
///
/// # Safety
/// The machine has `level`; no other task writes the same weights.
pub(super) unsafe fn accumulate(level: Level, task: &Task) {
    let blocks = task.x.len() / task.shape.input_len();
    assert_eq!(task.x.len(), blocks * task.shape.input_len());
    assert_eq!(task.gz.len(), blocks * task.shape.output_len());
    SUMS.with_borrow_mut(|sums| {
        sums.clear();
        sums.resize(
            task.sums() * task.shape.kernel[1] * task.kernel_rows.len(),
            Lanes::ZERO,
        );
        // SAFETY: the caller's promise; the lengths are checked.
        unsafe {
            match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(task, sums),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(task, sums),
                _ => run::<Plain>(task, sums),
            }
            task.add_up(sums);
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task, sums: &mut [Lanes]) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx512>(task, sums) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task, sums: &mut [Lanes]) {
    // SAFETY: the caller's promise.
    unsafe { run::<crate::vector::Avx2>(task, sums) }
}

#[inline(always)]
unsafe fn run<V: Vector>(task: &Task, sums: &mut [Lanes]) {
    // SAFETY: the caller's promise; the sizes are the task's.
    unsafe {
        match (task.filters.width, task.channels) {
            (8, 3) => patches::<V, 8, 3>(task, sums),
            (8, 2) => patches::<V, 8, 2>(task, sums),
            (8, _) => patches::<V, 8, 1>(task, sums),
            (4, 3) => patches::<V, 4, 3>(task, sums),
            (4, 2) => patches::<V, 4, 2>(task, sums),
            (4, _) => patches::<V, 4, 1>(task, sums),
            (2, 3) => patches::<V, 2, 3>(task, sums),
            (2, 2) => patches::<V, 2, 2>(task, sums),
            (2, _) => patches::<V, 2, 1>(task, sums),
            (_, 3) => patches::<V, 1, 3>(task, sums),
            (_, 2) => patches::<V, 1, 2>(task, sums),
            _ => patches::<V, 1, 1>(task, sums),
        }
    }
}

impl Task<'_> {
    /// Sums for each tap.
    fn sums(&self) -> usize {
        self.filters.width * self.channels
    }

    /// The outputs, among `within`, for which `tap` reads no padding.
    fn reached(&self, axis: usize, tap: usize, within: &Range<usize>) -> Range<usize> {
        let (stride, padding) = (self.shape.stride[axis], self.shape.padding[axis]);
        let start = padding.saturating_sub(tap).div_ceil(stride);
        let end = (self.shape.input[axis] + padding)
            .saturating_sub(tap)
            .div_ceil(stride);
        start.max(within.start)..end.min(within.end)
    }

    /// Adds the lanes of `sums` to the weights.
    ///
    /// # Safety
    /// No other task writes the same weights.
    unsafe fn add_up(&self, sums: &[Lanes]) {
        let [kernel_height, kernel_width] = self.shape.kernel;
        let inputs = self.shape.group_inputs();
        let first = self.filters.group * self.shape.group_outputs() + self.filters.first;
        for (tap, sums) in sums.chunks_exact(self.sums()).enumerate() {
            for (index, sum) in sums.iter().enumerate() {
                let filter = first + index / self.channels;
                let channel = self.channel + index % self.channels;
                let plane = (filter * inputs + channel) * kernel_height + self.kernel_rows.start;
                // SAFETY: the filter, the channel and the tap are of this task.
                unsafe { *self.gw.at(plane * kernel_width + tap) += sum.sum() }
            }
        }
    }
}

/// Goes over all patches and taps.
#[inline(always)]
unsafe fn patches<V: Vector, const FILTERS: usize, const CHANNELS: usize>(
    task: &Task,
    sums: &mut [Lanes],
) {
    let shape = task.shape;
    let [height, width] = shape.output();
    let columns = width.div_ceil(width.div_ceil(PATCH / FILTERS));
    let rows = (PATCH / FILTERS / columns).clamp(1, height);
    for block in 0..task.x.len() / shape.input_len() {
        for row in (0..height).step_by(rows) {
            for column in (0..width).step_by(columns) {
                let patch = [
                    row..(row + rows).min(height),
                    column..(column + columns).min(width),
                ];
                // SAFETY: the caller's promise.
                unsafe { taps::<V, FILTERS, CHANNELS>(task, block, &patch, sums) }
            }
        }
    }
}

/// Adds one patch to the sums of every tap.
#[inline(always)]
unsafe fn taps<V: Vector, const FILTERS: usize, const CHANNELS: usize>(
    task: &Task,
    block: usize,
    patch: &[Range<usize>; 2],
    sums: &mut [Lanes],
) {
    let shape = task.shape;
    let mut sums = sums.chunks_exact_mut(FILTERS * CHANNELS);
    for kernel_row in task.kernel_rows.clone() {
        let rows = task.reached(0, kernel_row, &patch[0]);
        for kernel_column in 0..shape.kernel[1] {
            let columns = task.reached(1, kernel_column, &patch[1]);
            let Some(sums) = sums.next() else { return };
            if !rows.is_empty() && !columns.is_empty() {
                let tap = [kernel_row, kernel_column];
                // SAFETY: the caller's promise; the outputs are among those the tap reaches.
                unsafe {
                    pixels::<V, FILTERS, CHANNELS>(task, block, tap, [&rows, &columns], sums);
                }
            }
        }
    }
}

/// Adds the given outputs to the sums of one tap.
#[inline(always)]
unsafe fn pixels<V: Vector, const FILTERS: usize, const CHANNELS: usize>(
    task: &Task,
    block: usize,
    tap: [usize; 2],
    [rows, columns]: [&Range<usize>; 2],
    memory: &mut [Lanes],
) {
    let shape = task.shape;
    let [x_height, x_width] = shape.input;
    let [z_height, z_width] = shape.output();
    let [stride_row, stride_column] = shape.stride;
    let (x_plane, z_plane) = (x_height * x_width, z_height * z_width);
    let group = task.filters.group;
    let channel = block * shape.in_channels + group * shape.group_inputs() + task.channel;
    let filter = block * shape.out_channels + group * shape.group_outputs() + task.filters.first;
    let x_row = rows.start * stride_row + tap[0] - shape.padding[0];
    let x_column = columns.start * stride_column + tap[1] - shape.padding[1];
    let mut x_start = channel * x_plane + x_row * x_width + x_column;
    let mut z_start = filter * z_plane + rows.start * z_width + columns.start;
    debug_assert_eq!(memory.len(), FILTERS * CHANNELS);
    // SAFETY: the caller has the instruction set; every index is of an output
    // that the tap reaches without padding.
    unsafe {
        let mut sums: [[V; CHANNELS]; FILTERS] = std::array::from_fn(|filter| {
            std::array::from_fn(|channel| {
                V::load(memory.as_ptr().add(filter * CHANNELS + channel).cast())
            })
        });
        for _ in rows.clone() {
            let (mut x, mut z) = (x_start, z_start);
            for _ in columns.clone() {
                debug_assert!(x + (CHANNELS - 1) * x_plane < task.x.len());
                debug_assert!(z + (FILTERS - 1) * z_plane < task.gz.len());
                let values: [V; CHANNELS] = std::array::from_fn(|channel| {
                    V::load(task.x.as_ptr().add(x + channel * x_plane).cast())
                });
                for (filter, sums) in sums.iter_mut().enumerate() {
                    let gradient = V::load(task.gz.as_ptr().add(z + filter * z_plane).cast());
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = gradient.mul_add(value, *sum);
                    }
                }
                x += stride_column;
                z += 1;
            }
            x_start += stride_row * x_width;
            z_start += z_width;
        }
        for (sums, memory) in sums.iter().zip(memory.chunks_exact_mut(CHANNELS)) {
            for (sum, memory) in sums.iter().zip(memory) {
                sum.store(memory.0.as_mut_ptr());
            }
        }
    }
}
