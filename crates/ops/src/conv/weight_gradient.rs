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
use crate::multiversion::by_product;
use crate::shared::Shared;
use crate::vector::{Element, Product, Vector};

/// Lanes of the output's gradient in one patch, over all its filters: half of
/// a first-level cache of 32 KiB.
const PATCH: usize = 256;

/// Lanes of a patch's gradient and of the inputs that one row of the kernel
/// reads for it: what is used again and again while a patch is worked on.
const WORKING_SET: usize = 384;

/// Sums, in lanes, that one task keeps waiting in the second-level cache.
const WAITING: usize = 4096;

/// What all tasks of a convolution share, worked out once.
#[derive(Debug)]
pub(super) struct Geometry {
    /// Images are `x_len` and `z_len` lanes, of planes `x_plane` and `z_plane`.
    x_len: usize,
    z_len: usize,
    x_plane: usize,
    z_plane: usize,
    /// Input channels and filters of one group.
    inputs: usize,
    filters: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    /// Extent of the input and of the output.
    x_width: usize,
    output: [usize; 2],
    /// For rows and for columns: the outputs for which each tap reads no padding.
    reached: [Vec<Range<usize>>; 2],
}

impl Geometry {
    pub fn new(shape: &ConvShape) -> Self {
        let output = shape.output();
        let reached = [0, 1].map(|axis| {
            let (stride, padding) = (shape.stride[axis], shape.padding[axis]);
            let end = shape.input[axis] + padding;
            (0..shape.kernel[axis])
                .map(|tap| {
                    let start = padding.saturating_sub(tap).div_ceil(stride);
                    start..end.saturating_sub(tap).div_ceil(stride).min(output[axis])
                })
                .collect()
        });
        Self {
            x_len: shape.input_len(),
            z_len: shape.output_len(),
            x_plane: shape.input[0] * shape.input[1],
            z_plane: output[0] * output[1],
            inputs: shape.group_inputs(),
            filters: shape.group_outputs(),
            kernel: shape.kernel,
            stride: shape.stride,
            padding: shape.padding,
            x_width: shape.input[1],
            output,
            reached,
        }
    }

    /// How many input channels a task should take at once, so that the
    /// gathering of the gradient serves many of them.
    pub fn channels_per_task(&self, level: Level) -> usize {
        let [filters, channels] = widest(level);
        let tile = filters * channels * self.kernel[0] * self.kernel[1];
        channels * (WAITING / tile).max(1)
    }

    /// The outputs among `within` for which `tap` reads no padding.
    fn reached(&self, axis: usize, tap: usize, within: &Range<usize>) -> Range<usize> {
        let reached = &self.reached[axis][tap];
        reached.start.max(within.start)..reached.end.min(within.end)
    }
}

/// The weights that join some filters and some input channels of one group,
/// for some rows of the kernel.
pub(super) struct Task<'a, E: Element> {
    pub geometry: &'a Geometry,
    pub filters: ChannelBlock,
    /// Input channels within the group.
    pub channels: Range<usize>,
    /// Rows of the kernel.
    pub kernel_rows: Range<usize>,
    /// `[blocks, C, H, W]`; in bfloat16 of pairs of images.
    pub x: &'a [E::Lanes],
    /// `[blocks, O, H', W']`, the same.
    pub gz: &'a [E::Lanes],
    /// `[O, C / groups, kH, kW]`, added to.
    pub gw: Shared<'a, f32>,
}

/// The widest block of filters and of input channels that leaves no sum
/// without a register.
pub(super) fn widest(level: Level) -> [usize; 2] {
    match level {
        Level::Avx512 | Level::Amx => [8, 3],
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
/// The machine has `level`; the task's filters, channels and kernel rows are of the
/// geometry, and `gw` holds all its weights; no other task writes the same ones.
pub(super) unsafe fn accumulate<E: Element>(level: Level, task: &Task<E>) {
    let blocks = task.x.len() / task.geometry.x_len;
    assert_eq!(task.x.len(), blocks * task.geometry.x_len);
    assert_eq!(task.gz.len(), blocks * task.geometry.z_len);
    SUMS.with_borrow_mut(|sums| {
        sums.clear();
        sums.resize(task.sums() * task.channels.len(), Lanes::ZERO);
        let [_, channels] = widest(level);
        // SAFETY: the caller's promise; the lengths are checked.
        unsafe {
            all_patches(level, task, channels, sums);
            task.add_up(channels, sums);
        }
    });
}

by_product! {
    unsafe fn all_patches<E: Element>(task: &Task<E>, channels: usize, sums: &mut [Lanes])
        = run, [], [];
}

#[inline(always)]
unsafe fn run<E: Element, P: Product<E>>(task: &Task<E>, channels: usize, sums: &mut [Lanes]) {
    // SAFETY: the caller's promise; the width is the task's.
    unsafe {
        match task.filters.width {
            8 => patches::<E, P, 8>(task, channels, sums),
            4 => patches::<E, P, 4>(task, channels, sums),
            2 => patches::<E, P, 2>(task, channels, sums),
            _ => patches::<E, P, 1>(task, channels, sums),
        }
    }
}

impl<E: Element> Task<'_, E> {
    /// Sums for each input channel.
    fn sums(&self) -> usize {
        self.filters.width * self.geometry.kernel[1] * self.kernel_rows.len()
    }

    /// The channels in tiles of at most `width`, with the place of their sums.
    fn tiles(&self, width: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + use<E> {
        let (channels, sums) = (self.channels.clone(), self.sums());
        channels.clone().step_by(width).map(move |first| {
            let tile = first..(first + width).min(channels.end);
            let places = tile.start - channels.start..tile.end - channels.start;
            (tile, places.start * sums..places.end * sums)
        })
    }

    /// Adds the lanes of `sums`, `[tiles, taps, filters, channels]`, to the weights.
    ///
    /// # Safety
    /// No other task writes the same weights.
    unsafe fn add_up(&self, tile_width: usize, sums: &[Lanes]) {
        let [kernel_height, kernel_width] = self.geometry.kernel;
        let inputs = self.geometry.inputs;
        let first = self.filters.group * self.geometry.filters + self.filters.first;
        for (tile, places) in self.tiles(tile_width) {
            let taps = sums[places].chunks_exact(self.filters.width * tile.len());
            for (tap, sums) in taps.enumerate() {
                for (index, sum) in sums.iter().enumerate() {
                    let filter = first + index / tile.len();
                    let channel = tile.start + index % tile.len();
                    let row = (filter * inputs + channel) * kernel_height + self.kernel_rows.start;
                    // SAFETY: the filter, the channel and the tap are of this task.
                    unsafe { *self.gw.at(row * kernel_width + tap) += sum.sum() }
                }
            }
        }
    }
}

/// Goes over all patches, tiles of channels and taps.
#[inline(always)]
unsafe fn patches<E: Element, P: Product<E>, const FILTERS: usize>(
    task: &Task<E>,
    tile_width: usize,
    sums: &mut [Lanes],
) {
    let geometry = task.geometry;
    let [height, width] = geometry.output;
    let pixels = WORKING_SET / (FILTERS + tile_width * geometry.stride[1]);
    let pixels = pixels.clamp(1, PATCH / FILTERS);
    let columns = width.div_ceil(width.div_ceil(pixels));
    let rows = (pixels / columns).clamp(1, height);
    let mut gradient = [E::ZERO; PATCH];
    for block in 0..task.x.len() / geometry.x_len {
        for row in (0..height).step_by(rows) {
            for column in (0..width).step_by(columns) {
                let patch = Patch {
                    block,
                    rows: row..(row + rows).min(height),
                    columns: column..(column + columns).min(width),
                };
                patch.gather::<E, FILTERS>(task, &mut gradient);
                for (tile, places) in task.tiles(tile_width) {
                    let (sums, channel) = (&mut sums[places], tile.start);
                    // SAFETY: the caller's promise.
                    unsafe {
                        match tile.len() {
                            3 => taps::<E, P, FILTERS, 3>(task, channel, &patch, &gradient, sums),
                            2 => taps::<E, P, FILTERS, 2>(task, channel, &patch, &gradient, sums),
                            _ => taps::<E, P, FILTERS, 1>(task, channel, &patch, &gradient, sums),
                        }
                    }
                }
            }
        }
    }
}

/// Some neighbouring outputs of one block of images.
struct Patch {
    block: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Patch {
    /// Copies the gradient to `[height, width, FILTERS]`. Where it lies, the
    /// filters are often a power of two apart and would drive each other out
    /// of the cache.
    #[inline(always)]
    fn gather<E: Element, const FILTERS: usize>(
        &self,
        task: &Task<E>,
        gradient: &mut [E::Lanes; PATCH],
    ) {
        let geometry = task.geometry;
        let filter = task.filters.group * geometry.filters + task.filters.first;
        let first = self.block * geometry.z_len + filter * geometry.z_plane;
        for (line, row) in self.rows.clone().enumerate() {
            for filter in 0..FILTERS {
                let start = first + filter * geometry.z_plane + row * geometry.output[1];
                let from = &task.gz[start + self.columns.start..start + self.columns.end];
                let to = &mut gradient[line * self.columns.len() * FILTERS + filter..];
                for (to, from) in to.iter_mut().step_by(FILTERS).zip(from) {
                    *to = *from;
                }
            }
        }
    }
}

/// Adds one patch to the sums of every tap.
#[inline(always)]
unsafe fn taps<E: Element, P: Product<E>, const FILTERS: usize, const CHANNELS: usize>(
    task: &Task<E>,
    channel: usize,
    patch: &Patch,
    gradient: &[E::Lanes; PATCH],
    sums: &mut [Lanes],
) {
    let mut sums = sums.chunks_exact_mut(FILTERS * CHANNELS);
    for kernel_row in task.kernel_rows.clone() {
        let rows = task.geometry.reached(0, kernel_row, &patch.rows);
        for kernel_column in 0..task.geometry.kernel[1] {
            let columns = task.geometry.reached(1, kernel_column, &patch.columns);
            let Some(sums) = sums.next() else { return };
            if !rows.is_empty() && !columns.is_empty() {
                let outputs = [&rows, &columns];
                // SAFETY: the caller's promise; the outputs are among those the tap reaches.
                unsafe {
                    let place = [channel, kernel_row, kernel_column];
                    pixels::<E, P, FILTERS, CHANNELS>(task, patch, gradient, place, outputs, sums);
                }
            }
        }
    }
}

/// Adds the given outputs to the sums of one tap.
#[inline(always)]
unsafe fn pixels<E: Element, P: Product<E>, const FILTERS: usize, const CHANNELS: usize>(
    task: &Task<E>,
    patch: &Patch,
    gradient: &[E::Lanes; PATCH],
    [channel, kernel_row, kernel_column]: [usize; 3],
    [rows, columns]: [&Range<usize>; 2],
    memory: &mut [Lanes],
) {
    let geometry = task.geometry;
    let [stride_row, stride_column] = geometry.stride;
    let (plane, width) = (geometry.x_plane, geometry.x_width);
    let channel = task.filters.group * geometry.inputs + channel;
    let row = rows.start * stride_row + kernel_row - geometry.padding[0];
    let column = columns.start * stride_column + kernel_column - geometry.padding[1];
    let mut x_start = patch.block * geometry.x_len + channel * plane + row * width + column;
    let patch_width = patch.columns.len();
    let mut z_start =
        (rows.start - patch.rows.start) * patch_width + columns.start - patch.columns.start;
    debug_assert_eq!(memory.len(), FILTERS * CHANNELS);
    // SAFETY: the caller has the instruction set; every index is of an output
    // that the tap reaches without padding.
    unsafe {
        let mut sums: [[P::Sum; CHANNELS]; FILTERS] = std::array::from_fn(|filter| {
            std::array::from_fn(|channel| {
                P::Sum::load(memory.as_ptr().add(filter * CHANNELS + channel).cast())
            })
        });
        for _ in rows.clone() {
            let (mut x, mut z) = (x_start, z_start * FILTERS);
            for _ in columns.clone() {
                debug_assert!(x + (CHANNELS - 1) * plane < task.x.len());
                debug_assert!(z + FILTERS <= gradient.len());
                let values: [P; CHANNELS] = std::array::from_fn(|channel| {
                    P::operands(task.x.as_ptr().add(x + channel * plane))
                });
                for (filter, sums) in sums.iter_mut().enumerate() {
                    let gradient = P::operands(gradient.as_ptr().add(z + filter));
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = gradient.add_product(value, *sum);
                    }
                }
                x += stride_column;
                z += FILTERS;
            }
            x_start += stride_row * width;
            z_start += patch_width;
        }
        for (sums, memory) in sums.iter().zip(memory.chunks_exact_mut(CHANNELS)) {
            for (sum, memory) in sums.iter().zip(memory) {
                sum.store(memory.0.as_mut_ptr());
            }
        }
    }
}
