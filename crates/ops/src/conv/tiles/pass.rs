//! A pass by tiles: a tile of sums is sixteen produced channels of one pixel,
//! the product of a tile of weights for each part of the kernel and of what lies
//! there in the source. Four pixels are computed at once.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{Geometry, Run};
use super::source::{channel_pairs, pair_channels};
use crate::conv::ConvShape;
use crate::conv::pairing::{FIRST, with_scratch};
use crate::conv::side::{Finish, piece, pieces};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::tiles::{JUMPERS, ROWS, Shape, Tiles, Walker};
use crate::vector::{Avx512, Pair, Pairs, Vector, activate};
use crate::{Activation, Split};

/// Bytes of the source that should stay in the second-level cache, beside the
/// weights of sixteen channels, while all channels are computed.
const BAND: usize = 768 << 10;

/// One direction of a convolution and its weights.
#[derive(Debug)]
pub(in crate::conv) struct TileSide {
    geometry: Geometry,
    run: Run,
    /// For each produced pixel, bytes to where its taps start.
    starts: Vec<usize>,
    /// For each pair of source channels and each tap, in the order of the weights,
    /// its place among the packed ones of the first of sixteen produced channels.
    places: Vec<usize>,
    /// `[groups, tiles of produced channels, tiles of the kernel, 16]`.
    weights: Vec<Pairs>,
}

impl TileSide {
    /// Produces the output from the input, if tiles are of use for that.
    pub fn forward(shape: &ConvShape) -> Option<Self> {
        Geometry::forward(shape).map(Self::new)
    }

    /// Produces the input's gradient from the output's, if tiles are of use for that.
    pub fn input_gradient(shape: &ConvShape) -> Option<Self> {
        Geometry::input_gradient(shape).map(Self::new)
    }

    fn new(geometry: Geometry) -> Self {
        let entries = channel_pairs(&geometry);
        let starts = geometry.starts().into_iter();
        let run = Run::new(&geometry, entries);
        let [height, width] = geometry.kernel;
        let taps = (0..entries).flat_map(|entry| (0..height * width).map(move |tap| (entry, tap)));
        let places = taps.map(|(entry, tap)| {
            let tap = match geometry.turned {
                true => height * width - 1 - tap,
                false => tap,
            };
            let (tile, place) = run.place(tap / width, tap % width * entries + entry);
            tile * ROWS * ROWS + place
        });
        Self {
            places: places.collect(),
            run,
            starts: starts
                .map(|pixel| pixel * entries * size_of::<Pairs>())
                .collect(),
            geometry,
            weights: Vec::new(),
        }
    }

    /// Tiles of the produced channels of a group.
    fn channel_tiles(&self) -> usize {
        self.geometry.produced.div_ceil(ROWS)
    }

    /// Rows of the weights of one tile of produced channels.
    fn weight_rows(&self) -> usize {
        self.run.offsets.len() * ROWS
    }

    /// Fills in the weights; `at(group, produced, source)` is where the taps of
    /// two channels start in `w`.
    pub fn pack(&mut self, w: &[f32], at: impl Fn([usize; 3]) -> usize + Sync) {
        let (len, tiles) = (self.weight_rows(), self.channel_tiles());
        self.weights
            .resize(self.geometry.groups * tiles * len, Pairs::ZERO);
        let (geometry, places) = (&self.geometry, &self.places);
        let taps = geometry.kernel[0] * geometry.kernel[1];
        let pack = |(index, to): (usize, &mut [Pairs])| {
            let (group, first) = (index / tiles, index % tiles * ROWS);
            let channels = first..(first + ROWS).min(geometry.produced);
            for (row, channel) in channels.enumerate() {
                let to = &mut Pairs::flat_mut(to)[row * ROWS..];
                for (entry, places) in places.chunks_exact(taps).enumerate() {
                    let of = |source: usize| match source < geometry.summed {
                        true => &w[at([group, channel, source])..][..taps],
                        false => &[],
                    };
                    let second = of(2 * entry + 1).iter().chain(std::iter::repeat(&0.0));
                    for ((first, second), place) in of(2 * entry).iter().zip(second).zip(places) {
                        to[*place] = Pair::new(*first, *second);
                    }
                }
            }
        };
        let weights = self.weights.par_chunks_exact_mut(len);
        weights.enumerate().for_each(pack);
    }

    /// Runs the pass over all blocks of images.
    ///
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level).
    ///
    /// # Panics
    /// When a length does not fit, or before the weights are packed.
    pub unsafe fn run(&self, source: &[Lanes], finish: Finish, produced: &mut [Lanes]) {
        assert!(
            !self.weights.is_empty(),
            "ConvPlan: the weights have not been packed"
        );
        let geometry = &self.geometry;
        let [source_plane, padded, pixels] = geometry.pixels();
        let blocks = source.len() / (geometry.groups * geometry.summed * source_plane);
        let produced_len = geometry.produced * pixels;
        assert_eq!(produced.len(), blocks * geometry.groups * produced_len);
        let source_len = padded * channel_pairs(geometry);
        let images = blocks * geometry.groups;
        with_scratch(&FIRST, images * source_len, |scratch| {
            // SAFETY: the caller's promise.
            unsafe { pair_channels(geometry, source, finish.split, scratch) }
            let produced = Shared::new(produced);
            let tiles = self.channel_tiles();
            let (cuts, row_cuts) = match finish.split {
                Split::Threads => {
                    let cuts = pieces(images, tiles);
                    (cuts, pieces(images * cuts, geometry.extent[0]))
                }
                Split::Never => (1, 1),
            };
            let task = |index: usize| {
                let image = index / row_cuts / cuts;
                let task = Task {
                    side: self,
                    group: image % geometry.groups,
                    tiles: piece(tiles, cuts, index / row_cuts % cuts),
                    rows: piece(geometry.extent[0], row_cuts, index % row_cuts),
                    source: &scratch[image * source_len..][..source_len],
                    finish,
                    produced,
                    first: image * produced_len,
                };
                // SAFETY: the caller's promise; tasks differ in image, channel or row.
                unsafe { task.run() }
            };
            let tasks = 0..images * cuts * row_cuts;
            match finish.split {
                Split::Threads => tasks.into_par_iter().for_each(task),
                Split::Never => tasks.for_each(task),
            }
        });
    }
}

/// Some rows of some channels of one group of one block of images.
struct Task<'a> {
    side: &'a TileSide,
    group: usize,
    /// Tiles of produced channels.
    tiles: Range<usize>,
    /// Produced rows.
    rows: Range<usize>,
    /// `[padded H, padded W, channels / 2]` of this group.
    source: &'a [Pairs],
    finish: Finish<'a>,
    produced: Shared<'a, Lanes>,
    /// Where the group's produced channels start.
    first: usize,
}

impl Task<'_> {
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level); no other task writes the same pixels.
    unsafe fn run(&self) {
        let (geometry, run) = (&self.side.geometry, &self.side.run);
        let width = geometry.extent[1];
        let band = geometry.band(channel_pairs(geometry), BAND);
        let len = self.side.weight_rows();
        let weights = &self.side.weights[self.group * self.side.channel_tiles() * len..];
        let shape = Shape {
            rows: geometry.produced.min(ROWS),
            pairs: run.rows(),
            walker: Walker::First,
        };
        let mut sums = [[Lanes::ZERO; ROWS]; JUMPERS];
        // SAFETY: the caller's promise.
        let registers = unsafe { Tiles::new(shape) };
        for first_row in self.rows.clone().step_by(band) {
            let rows = first_row..(first_row + band).min(self.rows.end);
            for tile in self.tiles.clone() {
                let weights = &weights[tile * len..][..len];
                for pixel in (rows.start * width..rows.end * width).step_by(JUMPERS) {
                    let last = rows.end * width - 1;
                    let jumpers = std::array::from_fn(|jumper| {
                        let start = self.side.starts[(pixel + jumper).min(last)];
                        debug_assert!(
                            start + run.offsets[run.offsets.len() - 1] < size_of_val(self.source)
                        );
                        self.source.as_ptr().wrapping_byte_add(start)
                    });
                    let to = sums.each_mut().map(|sum| sum.as_mut_ptr());
                    // SAFETY: the caller's promise; a pixel's taps lie within the
                    // source, and there is a tile of weights for each.
                    unsafe {
                        registers.multiply(weights.as_ptr(), jumpers, &run.offsets, to, true);
                        self.store(tile, pixel..(pixel + JUMPERS).min(last + 1), &sums);
                    }
                }
            }
        }
    }

    /// Finishes the sums of a tile of channels for a few pixels.
    ///
    /// # Safety
    /// The machine has AVX-512; the pixels are this task's.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn store(&self, tile: usize, pixels: Range<usize>, sums: &[[Lanes; ROWS]; JUMPERS]) {
        let geometry = &self.side.geometry;
        let [.., plane] = geometry.pixels();
        let channels = tile * ROWS..((tile + 1) * ROWS).min(geometry.produced);
        for channel in channels.clone() {
            // SAFETY: the caller's promise.
            unsafe {
                let bias = match self.finish.bias {
                    Some(bias) => Avx512::splat(bias[self.group * geometry.produced + channel]),
                    None => Avx512::splat(0.0),
                };
                for (pixel, sums) in pixels.clone().zip(sums) {
                    let sum = Avx512::load(sums[channel - channels.start].0.as_ptr());
                    let sum = sum.mul_add(Avx512::splat(1.0), bias);
                    let place = self.produced.at(self.first + channel * plane + pixel);
                    match self.finish.act {
                        Activation::Relu => activate(Activation::Relu, sum).store(place.cast()),
                        Activation::Identity => sum.store(place.cast()),
                        Activation::Tanh => activate(Activation::Tanh, sum).store(place.cast()),
                    }
                }
            }
        }
    }
}
