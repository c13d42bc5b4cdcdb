//! Dropout over plain slices.

use rayon::prelude::*;

use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Values that share a pair of keys, and the unit of parallel work. Changing it
/// changes the masks, and must change `kernels.cu` too.
const CHUNK: usize = 4096;

/// Which values are dropped: a function of a key and a value's place alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// What tells masks apart.
    pub key: u64,
    /// The place of the first value. A part of a batch has the mask of the whole
    /// one when it begins where its values lie there.
    pub first: usize,
}

impl Mask {
    /// The mask of a whole batch.
    pub fn new(key: u64) -> Self {
        Self { key, first: 0 }
    }
}

/// `y` = `x` with each value dropped with chance `p`, else divided by `1 - p`.
///
/// # Panics
/// When the slices differ in length, or `p` is not in 0..1.
pub fn dropout_forward(p: f64, mask: Mask, x: &[f32], y: &mut [f32]) {
    apply(level(), p, mask, x, y);
}

/// The gradient of [`dropout_forward`] with the same `p` and `mask`: `gx` given
/// `gy`.
///
/// # Panics
/// When the slices differ in length, or `p` is not in 0..1.
pub fn dropout_backward(p: f64, mask: Mask, gy: &[f32], gx: &mut [f32]) {
    // The map is linear and diagonal: it is its own gradient.
    apply(level(), p, mask, gy, gx);
}

/// Both directions, on one instruction set.
pub(super) fn apply(level: Level, p: f64, mask: Mask, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "dropout: the slices differ in length");
    assert!(
        (0.0..1.0).contains(&p),
        "dropout: the rate {p} is not in 0..1"
    );
    let (threshold, scale) = threshold_and_scale(p);
    let chunk = |chunk: usize, place: usize, from: &[f32], to: &mut [f32]| {
        let keys = splitmix64(mask.key.wrapping_add(splitmix64(chunk as u64)));
        let keys = [keys as u32, (keys >> 32) as u32];
        apply_chunk(level, threshold, scale, keys, place as u32, from, to);
    };
    // What there is of the first chunk, then whole ones.
    let (first, place) = (mask.first / CHUNK, mask.first % CHUNK);
    let head = (CHUNK - place).min(to.len());
    let (to_head, to) = to.split_at_mut(head);
    let (from_head, from) = from.split_at(head);
    chunk(first, place, from_head, to_head);
    to.par_chunks_mut(CHUNK)
        .zip(from.par_chunks(CHUNK))
        .enumerate()
        .for_each(|(index, (to, from))| chunk(first + 1 + index, 0, from, to));
}

/// The hash below which a value is dropped, and the factor on what is kept.
pub(super) fn threshold_and_scale(p: f64) -> (u32, f32) {
    // So large a rate that it rounds to all is not all.
    let threshold = (p * 2f64.powi(32)).min(f64::from(u32::MAX)) as u32;
    (threshold, (1.0 / (1.0 - p)) as f32)
}

multiversion! {
    fn apply_chunk(threshold: u32, scale: f32, keys: [u32; 2], place: u32, from: &[f32], to: &mut [f32]) {
        for (index, (to, from)) in (place..).zip(to.iter_mut().zip(from)) {
            let hash = mix(mix(index ^ keys[0]) ^ keys[1]);
            // Multiplied, not skipped: what is not a number must stay so.
            *to = from * if hash >= threshold { scale } else { 0.0 };
        }
    }
}

/// A bijection of 32 bits in which every input bit changes every output bit with
/// a chance near one half ("lowbias32", C. Wellons 2018). Two rounds with two
/// keys make the mask; 32-bit multiplications are what vector units have.
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// One round of SplitMix64 (Steele, Lea and Flood 2014): a bijective mixer.
fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
