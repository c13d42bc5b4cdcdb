//! The weight gradient by tiles: a tile of sums is sixteen places of a row of
//! the kernel, pixels and channels alike, times sixteen filters; one product
//! sums over the 32 images of two blocks at one output pixel.
//!
//! The output is walked in patches, so that what is read of the input stays in
//! the second-level cache; meanwhile the sums wait in memory.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;
use std::arch::x86_64::*;

use super::geometry::{Geometry, Run};
use super::source::{pair_images, turn_images};
use crate::Split;
use crate::conv::ConvShape;
use crate::conv::pairing::{FIRST, SECOND, with_scratch};
use crate::lanes::{LANES, Lanes};
use crate::shared::Shared;
use crate::tiles::{JUMPERS, ROWS, Shape, Tiles, Walker, transpose};
use crate::vector::Pairs;

/// Output pixels of a patch.
const PATCH: usize = 48;

/// Bytes of sums that a task keeps waiting in the second-level cache.
const WAITING: usize = 640 << 10;

/// What all weight gradients of a convolution share.
#[derive(Debug)]
pub(in crate::conv) struct TileGradient {
    /// Of the forward pass.
    geometry: Geometry,
    run: Run,
    /// For each output pixel, bytes to where its taps start in the input.
    starts: Vec<usize>,
    /// For each weight of a filter, the row of its sums.
    order: Vec<usize>,
}

thread_local! {
    /// Sums that wait in memory.
    static SUMS: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

impl TileGradient {
    /// None where tiles are of no use.
    pub fn new(shape: &ConvShape) -> Option<Self> {
        let geometry = Geometry::forward(shape)?;
        let inputs = geometry.summed;
        let run = Run::new(&geometry, inputs);
        let [height, width] = geometry.kernel;
        let taps = (0..inputs).flat_map(|input| (0..height * width).map(move |tap| (input, tap)));
        let order = taps.map(|(input, tap)| {
            let (tile, row) = run.place(tap / width, tap % width * inputs + input);
            tile * ROWS + row
        });
        let starts = geometry.starts().into_iter();
        Some(Self {
            order: order.collect(),
            starts: starts
                .map(|pixel| pixel * inputs * size_of::<Pairs>())
                .collect(),
            run,
            geometry,
        })
    }

    /// Adds the gradient of the weights to `gw`.
    ///
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level); all lengths fit.
    pub unsafe fn add(&self, x: &[Lanes], gz: &[Lanes], gw: &mut [f32], split: Split) {
        let geometry = &self.geometry;
        let [plane, padded, pixels] = geometry.pixels();
        let (groups, filters) = (geometry.groups, geometry.produced);
        let blocks = (x.len() / (groups * geometry.summed * plane)).div_ceil(2);
        let tiles = filters.div_ceil(ROWS);
        let x_len = groups * geometry.summed * padded;
        let z_len = groups * tiles * pixels * ROWS;
        with_scratch(&FIRST, blocks * x_len, |x_pairs| {
            with_scratch(&SECOND, blocks * z_len, |z_tiles| {
                // SAFETY: the caller's promise.
                unsafe {
                    pair_images(geometry, x, split, x_pairs);
                    turn_images([groups, filters, pixels], gz, split, z_tiles);
                }
                let sums = self.run.offsets.len() * ROWS;
                let most = WAITING / (sums * size_of::<Lanes>());
                let step = most.clamp(1, JUMPERS);
                let cuts = tiles.div_ceil(step);
                let gw = Shared::new(gw);
                let task = |index: usize| {
                    let first = index % cuts * step;
                    let task = Task {
                        gradient: self,
                        group: index / cuts,
                        tiles: first..(first + step).min(tiles),
                        x: x_pairs,
                        gz: z_tiles,
                        gw,
                    };
                    // SAFETY: the caller's promise; tasks differ in their filters.
                    SUMS.with_borrow_mut(|sums| unsafe { task.run(sums) });
                };
                let tasks = 0..groups * cuts;
                match split {
                    Split::Threads => tasks.into_par_iter().for_each(task),
                    Split::Never => tasks.for_each(task),
                }
            });
        });
    }
}

/// All weights of some filters of one group.
struct Task<'a> {
    gradient: &'a TileGradient,
    group: usize,
    /// Tiles of filters.
    tiles: Range<usize>,
    /// `[blocks / 2, groups, padded H, padded W, C / groups]`.
    x: &'a [Pairs],
    /// `[blocks / 2, groups, tiles of filters, H', W', 16]`.
    gz: &'a [Pairs],
    gw: Shared<'a, f32>,
}

impl Task<'_> {
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level); no other task writes the same weights.
    unsafe fn run(&self, sums: &mut Vec<Lanes>) {
        let TileGradient {
            geometry,
            run,
            starts,
            ..
        } = self.gradient;
        let rows = run.offsets.len() * ROWS;
        sums.clear();
        sums.resize(self.tiles.len() * rows, Lanes::ZERO);
        let [_, padded, pixels] = geometry.pixels();
        let tiles = geometry.produced.div_ceil(ROWS);
        let x_len = padded * geometry.summed;
        let images = self.x.len() / x_len;
        assert_eq!(self.gz.len(), images * tiles * pixels * ROWS);
        let shape = Shape {
            rows: run.rows(),
            pairs: LANES,
            walker: Walker::Second,
        };
        {
            // SAFETY: the caller's promise.
            let registers = unsafe { Tiles::new(shape) };
            for image in (self.group..images).step_by(geometry.groups) {
                let x = &self.x[image * x_len..][..x_len];
                for patch in (0..pixels).step_by(PATCH) {
                    let starts = &starts[patch..(patch + PATCH).min(pixels)];
                    for (tile, sums) in self.tiles.clone().zip(sums.chunks_exact_mut(rows)) {
                        let gz = &self.gz[((image * tiles + tile) * pixels + patch) * ROWS..];
                        let last = run.offsets.len() - 1;
                        for first in (0..=last).step_by(JUMPERS) {
                            // Past the last one it is computed again, to the same sums.
                            let places: [usize; JUMPERS] =
                                std::array::from_fn(|jumper| (first + jumper).min(last));
                            let jumpers = places
                                .map(|place| x.as_ptr().wrapping_byte_add(run.offsets[place]));
                            let to =
                                places.map(|place| sums.as_mut_ptr().wrapping_add(place * ROWS));
                            // SAFETY: the caller's promise; the taps of all pixels lie
                            // within the input, and there is a tile of the gradient for each.
                            unsafe { registers.multiply(gz.as_ptr(), jumpers, starts, to, false) }
                        }
                    }
                }
            }
        }
        for (tile, sums) in self.tiles.clone().zip(sums.chunks_exact(rows)) {
            // SAFETY: the caller's promise.
            unsafe { self.add_up(tile, sums) }
        }
    }

    /// Adds the sums of a tile of filters to their weights.
    ///
    /// # Safety
    /// The machine has AVX-512; no other task writes the same weights.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn add_up(&self, tile: usize, sums: &[Lanes]) {
        let TileGradient {
            geometry, order, ..
        } = self.gradient;
        let filters = ROWS.min(geometry.produced - tile * ROWS);
        let first = self.group * geometry.produced + tile * ROWS;
        for (chunk, places) in order.chunks(LANES).enumerate() {
            let rows: [__m512i; ROWS] = std::array::from_fn(|row| {
                let sums = &sums[places[row.min(places.len() - 1)]];
                // SAFETY: the feature is enabled.
                unsafe { _mm512_load_si512((&raw const *sums).cast()) }
            });
            // SAFETY: the feature is enabled.
            let columns = unsafe { transpose(rows) };
            let mask = (u16::MAX) >> (LANES - places.len());
            for (filter, column) in columns[..filters].iter().enumerate() {
                // SAFETY: the filter's weights from this chunk on are in `gw`, as
                // many as the mask has bits.
                unsafe {
                    let place = self.gw.at((first + filter) * order.len() + chunk * LANES);
                    let weights = _mm512_maskz_loadu_ps(mask, place);
                    let weights = _mm512_add_ps(weights, _mm512_castsi512_ps(*column));
                    _mm512_mask_storeu_ps(place, mask, weights);
                }
            }
        }
    }
}
