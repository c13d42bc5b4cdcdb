//! The numbers that fixtures of networks name instead of storing.

use anyhow::Result;
use candle_core::{Device, Tensor};

/// A tensor of pseudo-random numbers in `-scale..scale` that depend on its name
/// and the seed.
///
/// # Errors
/// The shape is too large.
pub fn fill(name: &str, seed: u64, shape: &[usize], scale: f64) -> Result<Tensor> {
    let start = fnv1a64(name).wrapping_add(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64)
        .map(|i| value(start.wrapping_add(i)) * scale as f32)
        .collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// The scale of a parameter: `sqrt(6 / fan-in)` for weights, 0.1 for biases.
pub fn scale(shape: &[usize]) -> f64 {
    match shape {
        [] | [_] => 0.1,
        [_, slice @ ..] => (6.0 / slice.iter().product::<usize>() as f64).sqrt(),
    }
}

/// A number in -1..1 from the upper 24 bits of a hash.
fn value(counter: u64) -> f32 {
    (splitmix64(counter) >> 40) as f32 / (1u32 << 24) as f32 * 2.0 - 1.0
}

fn fnv1a64(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        // From the FNV reference tables and SplitMix64's reference program.
        assert_eq!(fnv1a64("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(splitmix64(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn scales_follow_the_fan_in() {
        assert_eq!(scale(&[32, 3, 5, 5]), (6.0f64 / 75.0).sqrt());
        assert_eq!(scale(&[10, 6]), 1.0);
        assert_eq!(scale(&[10]), 0.1);
    }
}
