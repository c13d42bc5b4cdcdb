//! Activations laid out for tiles.

use std::arch::x86_64::*;

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::Split;
use crate::lanes::Lanes;
use crate::tiles::{ROWS, join, pair, store_transposed};
use crate::vector::Pairs;

/// One row of a source, to be copied to `[pixels, entries]`. An entry rounds two
/// rows of lanes, or one and zeros.
struct Row<'a> {
    /// The first row of each entry is `step` after that of the one before, and
    /// its second one where that is in `second`, of the first `seconds` entries.
    first: &'a [Lanes],
    second: &'a [Lanes],
    seconds: usize,
    step: usize,
    entries: usize,
    /// Zeros before the row's pixels, and how many of these there are.
    lead: usize,
    pixels: usize,
}

/// Entries that are read side by side: more streams than this the processor
/// does not foresee.
const TOGETHER: usize = 8;

impl Row<'_> {
    /// Copies the row; interleaved entries pair the values of the two rows at the
    /// same place, the others each row's neighbours.
    ///
    /// # Safety
    /// The machine has AVX-512 BF16.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn copy<const INTERLEAVED: bool>(&self, to: &mut [Pairs]) {
        let Self {
            step,
            entries,
            lead,
            pixels,
            seconds,
            ..
        } = *self;
        to[..lead * entries].fill(Pairs::ZERO);
        to[(lead + pixels) * entries..].fill(Pairs::ZERO);
        if pixels == 0 {
            return;
        }
        assert!(seconds <= entries && (lead + pixels) * entries <= to.len());
        assert!(self.first.len() >= (entries - 1) * step + pixels);
        assert!(seconds == 0 || self.second.len() >= (seconds - 1) * step + pixels);
        for start in (0..entries).step_by(TOGETHER) {
            let end = (start + TOGETHER).min(entries);
            for pixel in 0..pixels {
                for entry in start..end {
                    // SAFETY: the lengths are checked, the features enabled.
                    unsafe {
                        let at = entry * step + pixel;
                        let first = _mm512_load_ps(self.first.as_ptr().add(at).cast());
                        let second = match entry < seconds {
                            true => _mm512_load_ps(self.second.as_ptr().add(at).cast()),
                            false => _mm512_setzero_ps(),
                        };
                        let row = match INTERLEAVED {
                            true => pair(first, second),
                            false => join(first, second),
                        };
                        let to = to.as_mut_ptr().add((lead + pixel) * entries + entry);
                        _mm512_store_si512(to.cast(), row);
                    }
                }
            }
        }
    }
}

impl Geometry {
    /// The lanes of one row, of `[channels, height, width]` of one group, that a
    /// padded row copies: where they start, how many, and the zeros before them.
    fn row(&self, padded_row: usize) -> Option<(usize, usize, usize)> {
        let row = padded_row.checked_sub(self.lead[0])?;
        let [height, width] = self.source;
        let lead = self.lead[1].min(self.padded[1]);
        let pixels = width.min(self.padded[1] - lead);
        (row < height && pixels > 0).then_some((row * width, pixels, lead))
    }
}

/// How `for_each` goes over pieces of a slice.
fn each<T: Send>(
    to: &mut [T],
    len: usize,
    split: Split,
    run: impl Fn((usize, &mut [T])) + Sync + Send,
) {
    match split {
        Split::Threads => to.par_chunks_exact_mut(len).enumerate().for_each(run),
        Split::Never => to.chunks_exact_mut(len).enumerate().for_each(run),
    }
}

/// Rows of 64 bytes of one pixel of paired channels.
pub(super) fn channel_pairs(geometry: &Geometry) -> usize {
    geometry.summed.div_ceil(2)
}

/// From `[blocks, C, H, W]` to `[blocks, groups, padded H, padded W, C / groups / 2]`
/// of paired channels.
///
/// # Safety
/// The machine has AVX-512 BF16.
pub(super) unsafe fn pair_channels(
    geometry: &Geometry,
    from: &[Lanes],
    split: Split,
    to: &mut [Pairs],
) {
    let [plane, ..] = geometry.pixels();
    let [height, width] = geometry.padded;
    let entries = channel_pairs(geometry);
    each(to, width * entries, split, |(index, to)| {
        let from = &from[index / height * geometry.summed * plane..][..geometry.summed * plane];
        let (start, pixels, lead) = geometry.row(index % height).unwrap_or_default();
        let row = Row {
            first: &from[start..],
            second: from.get(start + plane..).unwrap_or_default(),
            seconds: geometry.summed / 2,
            step: 2 * plane,
            entries,
            lead,
            pixels,
        };
        // SAFETY: the caller's promise.
        unsafe { row.copy::<true>(to) }
    });
}

/// From `[blocks, C, H, W]` to `[blocks / 2, groups, padded H, padded W, C / groups]`:
/// the images of a block and then those of the next, in pairs of neighbours.
///
/// # Safety
/// The machine has AVX-512 BF16.
pub(super) unsafe fn pair_images(
    geometry: &Geometry,
    from: &[Lanes],
    split: Split,
    to: &mut [Pairs],
) {
    let [plane, ..] = geometry.pixels();
    let [height, width] = geometry.padded;
    let (entries, groups) = (geometry.summed, geometry.groups);
    let block = groups * entries * plane;
    each(to, width * entries, split, |(index, to)| {
        let (both, group) = (index / height / groups, index / height % groups);
        let (start, pixels, lead) = geometry.row(index % height).unwrap_or_default();
        let start = 2 * both * block + group * entries * plane + start;
        let second = from.get(start + block..).unwrap_or_default();
        let row = Row {
            first: &from[start..],
            second,
            seconds: if second.is_empty() { 0 } else { entries },
            step: plane,
            entries,
            lead,
            pixels,
        };
        // SAFETY: the caller's promise.
        unsafe { row.copy::<false>(to) }
    });
}

/// From `[blocks, O, H, W]`, `channels` in each group, to
/// `[blocks / 2, groups, tiles, H, W, 16]`: of sixteen channels, some perhaps
/// zero, a tile with a row for each pair of images, as [`pair_images`] pairs them.
///
/// # Safety
/// The machine has AVX-512 BF16.
pub(super) unsafe fn turn_images(
    [groups, channels, plane]: [usize; 3],
    from: &[Lanes],
    split: Split,
    to: &mut [Pairs],
) {
    let tiles = channels.div_ceil(ROWS);
    let block = groups * channels * plane;
    each(to, plane * ROWS, split, |(index, to)| {
        let (both, group, tile) = (
            index / tiles / groups,
            index / tiles % groups,
            index % tiles,
        );
        let start = 2 * both * block + (group * channels + tile * ROWS) * plane;
        let count = ROWS.min(channels - tile * ROWS);
        let first = &from[start..][..count * plane];
        let second = from[start..].get(block..block + count * plane);
        // SAFETY: the caller's promise; both have `count` planes.
        unsafe { turn(first, second, plane, to) }
    });
}

/// The planes of up to sixteen channels of one block and, perhaps, the next.
///
/// # Safety
/// The machine has AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn turn(first: &[Lanes], second: Option<&[Lanes]>, plane: usize, to: &mut [Pairs]) {
    let count = first.len() / plane;
    assert!(count <= ROWS && to.len() == plane * ROWS);
    assert!(second.is_none_or(|second| second.len() == first.len()));
    for pixel in 0..plane {
        // SAFETY: the lengths are checked, the features enabled.
        unsafe {
            let mut rows = [_mm512_setzero_si512(); ROWS];
            for (channel, row) in rows.iter_mut().enumerate() {
                if channel < count {
                    let at = channel * plane + pixel;
                    let second = match second {
                        Some(second) => _mm512_load_ps(second.as_ptr().add(at).cast()),
                        None => _mm512_setzero_ps(),
                    };
                    *row = join(_mm512_load_ps(first.as_ptr().add(at).cast()), second);
                }
            }
            store_transposed(rows, to.as_mut_ptr().add(pixel * ROWS));
        }
    }
}
