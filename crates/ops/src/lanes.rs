//! The layout the fast kernels work in: sixteen images side by side.
//!
//! A batch `[N, C, H, W]` becomes `[N / 16, C, H, W, 16]`: the values sixteen
//! images have at one place are neighbours and fill one vector register. Every
//! pixel, channel and tap can then be reached with an aligned load, so that no
//! kernel needs shuffles, masks, or a copy of its input in another order, and
//! none computes with padding. The last images of a batch that sixteen does
//! not divide are filled up with zeros.

use rayon::prelude::*;

use crate::split::{Split, strips};

/// Images in one [`Lanes`].
pub const LANES: usize = 16;

/// The values of sixteen images at one place, aligned to a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; LANES]);

impl Lanes {
    /// All images zero.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// How many blocks of sixteen images hold `batch` images.
    pub fn blocks(batch: usize) -> usize {
        batch.div_ceil(LANES)
    }

    /// The values in memory order, for operations that treat all places alike.
    pub fn as_floats(lanes: &[Self]) -> &[f32] {
        // SAFETY: `Lanes` is `repr(C)`, holds sixteen floats and has no padding.
        unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
    }

    /// [`Self::as_floats`] to write to.
    pub fn as_floats_mut(lanes: &mut [Self]) -> &mut [f32] {
        // SAFETY: as in `as_floats`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
    }

    /// The sum over the images, in an order that does not depend on the machine.
    pub fn sum(self) -> f32 {
        let mut values = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                values[lane] += values[lane + half];
            }
            half /= 2;
        }
        values[0]
    }
}

/// Copies up to sixteen images, each `len` floats, to `block` of `len` lanes;
/// missing images become zero.
///
/// # Panics
/// When there are more than sixteen images or a part of one, or `block` is not `len`
/// long.
pub fn interleave(split: Split, len: usize, images: &[f32], block: &mut [Lanes]) {
    assert_eq!(
        block.len(),
        len,
        "interleave: the block has the wrong length"
    );
    assert!(
        images.len() <= len * LANES,
        "interleave: more than {LANES} images"
    );
    let count = images.len().checked_div(len).unwrap_or(0);
    assert_eq!(images.len(), count * len, "interleave: a part of an image");
    let chunks = block.par_chunks_mut(LANES).enumerate();
    chunks
        .with_min_len(split.min_len())
        .for_each(|(chunk, lanes)| {
            let mut tile = [[0.0; LANES]; LANES];
            for (image, row) in tile[..count].iter_mut().enumerate() {
                let start = image * len + chunk * LANES;
                row[..lanes.len()].copy_from_slice(&images[start..start + lanes.len()]);
            }
            for (place, lanes) in lanes.iter_mut().enumerate() {
                for (value, row) in lanes.0.iter_mut().zip(&tile) {
                    *value = row[place];
                }
            }
        });
}

/// The inverse of [`interleave`]: copies as many images as `images` holds.
///
/// # Panics
/// When there are more than sixteen images or a part of one, or `block` is not `len`
/// long.
pub fn deinterleave(split: Split, len: usize, block: &[Lanes], images: &mut [f32]) {
    assert_eq!(
        block.len(),
        len,
        "deinterleave: the block has the wrong length"
    );
    assert!(
        images.len() <= len * LANES,
        "deinterleave: more than {LANES} images"
    );
    let count = images.len().checked_div(len).unwrap_or(0);
    assert_eq!(
        images.len(),
        count * len,
        "deinterleave: a part of an image"
    );
    let width = split.strip_width(1, len, LANES);
    let strips = strips(images, len, width);
    block
        .par_chunks(width)
        .zip(strips)
        .with_min_len(split.min_len())
        .for_each(|(block, mut images)| deinterleave_strip(block, &mut images));
}

/// [`deinterleave`] for some places of all images.
fn deinterleave_strip(block: &[Lanes], images: &mut [&mut [f32]]) {
    for (chunk, lanes) in block.chunks(LANES).enumerate() {
        let mut tile = [[0.0; LANES]; LANES];
        for (place, lanes) in lanes.iter().enumerate() {
            for (row, value) in tile.iter_mut().zip(lanes.0) {
                row[place] = value;
            }
        }
        let start = chunk * LANES;
        for (image, row) in images.iter_mut().zip(&tile) {
            image[start..start + lanes.len()].copy_from_slice(&row[..lanes.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (count, len) in [
            (1, 1),
            (3, 17),
            (16, 40),
            (5, 16),
            (16, 333),
            (0, 4),
            (0, 0),
        ] {
            let images: Vec<f32> = (0..count * len).map(|i| i as f32 + 1.0).collect();
            for split in [Split::Never, Split::Threads] {
                let mut block = vec![Lanes([f32::NAN; LANES]); len];
                interleave(split, len, &images, &mut block);
                for (place, lanes) in block.iter().enumerate() {
                    for (image, value) in lanes.0.iter().enumerate() {
                        let wanted = images.get(image * len + place).filter(|_| image < count);
                        assert_eq!(value, wanted.unwrap_or(&0.0), "{count} of {len}, {split:?}");
                    }
                }
                let mut back = vec![0.0; images.len()];
                deinterleave(split, len, &block, &mut back);
                assert_eq!(back, images, "{count} of {len}, {split:?}");
            }
        }
    }

    #[test]
    fn sum_adds_every_image() {
        let lanes = Lanes(std::array::from_fn(|lane| (1 << lane) as f32));
        assert_eq!(lanes.sum(), 65535.0);
    }
}
