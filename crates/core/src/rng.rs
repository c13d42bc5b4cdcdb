//! Seeded random streams, named rather than shared.
//!
//! Every random decision draws from a stream that is a pure function of the
//! trial's seed, a name and indices (`augmentation`, epoch 3, image 17). No
//! generator is ever passed from one decision to the next, so results do not
//! depend on thread count or order, and a resumed trial needs no saved state.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A point in the tree of random streams; cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The root stream of a trial.
    pub fn new(seed: u64) -> Self {
        Self(splitmix64(seed))
    }

    /// The child stream for a named purpose.
    pub fn named(self, name: &str) -> Self {
        // FNV-1a: stable across platforms and releases, unlike `DefaultHasher`.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(splitmix64(self.0 ^ hash))
    }

    /// The child stream for an index: an epoch, a step, an image.
    pub fn at(self, index: usize) -> Self {
        Self(splitmix64(self.0.wrapping_add(splitmix64(index as u64))))
    }

    /// A generator at the start of this stream.
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }

    /// The stream's key, for counter-based draws such as dropout masks.
    pub fn key(self) -> u64 {
        self.0
    }
}

/// One round of SplitMix64 (Steele, Lea and Flood 2014): a bijective mixer.
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
    fn streams_depend_on_seed_name_and_index_alone() {
        let stream = |seed, name: &str, index| Stream::new(seed).named(name).at(index).key();
        assert_eq!(stream(1, "shuffle", 2), stream(1, "shuffle", 2));
        let mut keys = vec![
            stream(1, "shuffle", 2),
            stream(2, "shuffle", 2),
            stream(1, "dropout", 2),
            stream(1, "shuffle", 3),
            Stream::new(1).named("shuffle").key(),
            Stream::new(1).key(),
        ];
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }
    /// The generator's published sequence, and FNV-1a's published hashes: results of
    /// former releases can be had again only while these hold.
    #[test]
    fn keys_are_those_of_the_published_mixers() {
        for (seed, key) in [
            (1_234_567, 6_457_827_717_110_365_317),
            (0, 0xe220_a839_7b1d_cdaf),
        ] {
            assert_eq!(Stream::new(seed).key(), key);
        }
        let second = 1_234_567_u64.wrapping_add(0x9e37_79b9_7f4a_7c15);
        assert_eq!(splitmix64(second), 3_203_168_211_198_807_973);
        for (name, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(Stream(0).named(name).key(), splitmix64(hash));
            assert_eq!(Stream(u64::MAX).named(name).key(), splitmix64(!hash));
        }
        assert_eq!(Stream(5).at(7).key(), splitmix64(splitmix64(7) + 5));
    }
}
