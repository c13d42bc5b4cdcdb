//! Dropout over plain slices.

use rayon::prelude::*;

use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Values that share a pair of keys, and the unit of parallel work. Changing it
/// changes the masks, and must change `kernels.cu` too.
const CHUNK: usize = 4096;

/// `y` = `x` with each value dropped with chance `p`, else divided by `1 - p`.
///
/// Which values are dropped depends on `key` and their index alone.
///
/// # Panics
/// When the slices differ in length, or `p` is not in 0..1.
pub fn dropout_forward(p: f64, key: u64, x: &[f32], y: &mut [f32]) {
    apply(level(), p, key, x, y);
}

/// The gradient of [`dropout_forward`] with the same `p` and `key`: `gx` given
/// `gy`.
///
/// # Panics
/// When the slices differ in length, or `p` is not in 0..1.
pub fn dropout_backward(p: f64, key: u64, gy: &[f32], gx: &mut [f32]) {
    // The map is linear and diagonal: it is its own gradient.
    apply(level(), p, key, gy, gx);
}

/// Both directions, on one instruction set.
pub(super) fn apply(level: Level, p: f64, key: u64, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "dropout: the slices differ in length");
    assert!(
        (0.0..1.0).contains(&p),
        "dropout: the rate {p} is not in 0..1"
    );
    let (threshold, scale) = threshold_and_scale(p);
    to.par_chunks_mut(CHUNK)
        .zip(from.par_chunks(CHUNK))
        .enumerate()
        .for_each(|(index, (to, from))| {
            let keys = splitmix64(key.wrapping_add(splitmix64(index as u64)));
            let keys = [keys as u32, (keys >> 32) as u32];
            apply_chunk(level, threshold, scale, keys, from, to);
        });
}

/// The hash below which a value is dropped, and the factor on what is kept.
pub(super) fn threshold_and_scale(p: f64) -> (u32, f32) {
    // So large a rate that it rounds to all is not all.
    let threshold = (p * 2f64.powi(32)).min(f64::from(u32::MAX)) as u32;
    (threshold, (1.0 / (1.0 - p)) as f32)
}

multiversion! {
    fn apply_chunk(threshold: u32, scale: f32, keys: [u32; 2], from: &[f32], to: &mut [f32]) {
        for (index, (to, from)) in (0u32..).zip(to.iter_mut().zip(from)) {
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
