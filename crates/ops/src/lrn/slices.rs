//! Response normalisation over plain slices in `[N, C, pixels]` order.
//!
//! Threads take images, or strips of one where there are fewer images than threads: a
//! pixel has nothing to do with another.

use std::ops::Range;

use rayon::prelude::*;

use super::Lrn;
use super::strip::{Row, TILE, backward_strip, forward_strip};
use crate::simd::{Level, level};
use crate::split::{Split, strips};

/// `y` = the normalised `x`.
///
/// Both are `[N, C, pixels]` for a batch of `N` and `planes` of
/// `[C, pixels]`; any order of the pixels will do. `y` is overwritten.
///
/// # Panics
/// When a slice has another length than that, or the size is zero.
pub fn lrn_forward(
    split: Split,
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    y: &mut [f32],
) {
    forward_at((level(), split), lrn, batch, planes, x, y);
}

/// [`lrn_forward`] on one instruction set.
pub(super) fn forward_at(
    (level, split): (Level, Split),
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    y: &mut [f32],
) {
    let image = check_lengths(lrn, batch, planes, &[("x", x.len()), ("y", y.len())]);
    let (terms, scratch) = (Terms::of(lrn), planes[0]);
    let forward = match terms.quarters {
        2 => forward_strip::<2>,
        3 => forward_strip::<3>,
        4 => forward_strip::<4>,
        _ => forward_strip::<0>,
    };
    strips_of_images(split, batch, planes, y)
        .into_par_iter()
        .with_min_len(split.min_len())
        .for_each_init(
            || vec![Row::default(); scratch],
            |squares, mut strip| {
                let x = strip.of(image, x);
                forward(level, &terms, planes[1], squares, x, &mut strip.rows);
            },
        );
}

/// The gradient of [`lrn_forward`]: `gx` given `x` and `gy`, all `[N, C, pixels]`.
/// The sums are computed again, which is faster than keeping them. `gx` is
/// overwritten.
///
/// # Panics
/// When a slice has another length than that, or the size is zero.
pub fn lrn_backward(
    split: Split,
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
) {
    backward_at((level(), split), lrn, batch, planes, x, gy, gx);
}

/// [`lrn_backward`] on one instruction set.
pub(super) fn backward_at(
    (level, split): (Level, Split),
    lrn: &Lrn,
    batch: usize,
    planes: [usize; 2],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
) {
    let lengths = [("x", x.len()), ("gy", gy.len()), ("gx", gx.len())];
    let image = check_lengths(lrn, batch, planes, &lengths);
    let (terms, scratch) = (Terms::of(lrn), 2 * planes[0]);
    let backward = match terms.quarters {
        2 => backward_strip::<2>,
        3 => backward_strip::<3>,
        4 => backward_strip::<4>,
        _ => backward_strip::<0>,
    };
    strips_of_images(split, batch, planes, gx)
        .into_par_iter()
        .with_min_len(split.min_len())
        .for_each_init(
            || vec![Row::default(); scratch],
            |scratch, mut strip| {
                let [x, gy] = [x, gy].map(|values| strip.of(image, values));
                backward(level, &terms, planes[1], scratch, x, gy, &mut strip.rows);
            },
        );
}

/// Neighbouring pixels of an image, in all its channels.
struct Strip<'a> {
    image: usize,
    /// The first of its pixels.
    first: usize,
    /// By channel: where the results for the pixels go.
    rows: Vec<&'a mut [f32]>,
}

impl Strip<'_> {
    /// The strip's image among those of `values`, from the strip's first pixel on.
    fn of<'v>(&self, image: usize, values: &'v [f32]) -> &'v [f32] {
        &values[self.image * image..][self.first..image]
    }
}

/// Cuts images into strips: each whole, where there are as many images as threads.
fn strips_of_images(
    split: Split,
    batch: usize,
    [channels, pixels]: [usize; 2],
    values: &mut [f32],
) -> Vec<Strip<'_>> {
    let width = split.strip_width(batch, pixels, TILE);
    let images = values.chunks_mut((channels * pixels).max(1)).enumerate();
    images
        .flat_map(|(image, values)| {
            let strips = strips(values, pixels, width).into_iter().enumerate();
            strips.map(move |(strip, rows)| Strip {
                image,
                first: strip * width,
                rows,
            })
        })
        .collect()
}

/// Panics unless the slices hold `batch` images, and returns an image's length.
fn check_lengths(lrn: &Lrn, batch: usize, planes: [usize; 2], slices: &[(&str, usize)]) -> usize {
    assert!(lrn.size > 0, "response norm: the size must be at least 1");
    let image = planes[0] * planes[1];
    for (name, len) in slices {
        assert_eq!(
            *len,
            batch * image,
            "response norm: `{name}` has the wrong length for {batch} images of {planes:?}"
        );
    }
    image
}

/// The numbers of a normalisation, in the form the kernels use.
pub(super) struct Terms {
    /// Channels in a sum before and after its own.
    pub reach: [usize; 2],
    /// Square root of the sum's weight: multiplying before squaring keeps the
    /// sum finite for inputs whose plain squares overflow.
    pub factor: f32,
    pub k: f32,
    pub beta: f32,
    /// Four times beta where a kernel is compiled for it, else 0.
    pub quarters: usize,
}

impl Terms {
    pub fn of(lrn: &Lrn) -> Self {
        Self {
            reach: lrn.reach(),
            factor: lrn.weight().sqrt() as f32,
            k: lrn.k as f32,
            beta: lrn.beta as f32,
            quarters: [2, 3, 4]
                .into_iter()
                .find(|quarters| lrn.beta == *quarters as f64 / 4.0)
                .unwrap_or(0),
        }
    }

    /// On the sum of the shares that make up a gradient: what the derivative of
    /// the power leaves over.
    pub fn gather_factor(&self) -> f32 {
        2.0 * self.beta * self.factor
    }

    /// The channels whose squares are in the sum of `channel`.
    pub fn summands(&self, channel: usize, channels: usize) -> Range<usize> {
        window(channel, self.reach, channels)
    }

    /// The channels in whose sum the square of `channel` is.
    pub fn sums(&self, channel: usize, channels: usize) -> Range<usize> {
        window(channel, [self.reach[1], self.reach[0]], channels)
    }
}

fn window(channel: usize, [before, after]: [usize; 2], channels: usize) -> Range<usize> {
    channel.saturating_sub(before)
        ..channel
            .saturating_add(after)
            .saturating_add(1)
            .min(channels)
}
