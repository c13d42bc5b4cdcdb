//! Random draws whose bits never change: only integer steps and exact scaling.
//!
//! `rand`'s own distributions may change their values between releases, and a
//! data set must not.

use ablate_core::Stream;
use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// A source of random draws for one image.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Dice at the start of a stream.
    pub fn new(stream: Stream) -> Self {
        Self(stream.rng())
    }

    /// A number in `0.0..1.0`, a multiple of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number in `0..count`; `count` is small, so the bias is below 2^-24.
    pub fn index(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }

    /// True with a probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A unit vector in any direction.
    ///
    /// The rational parametrisation of the circle needs no sine, whose last bit
    /// differs between platforms. Directions come out uniform within 1%.
    pub fn direction(&mut self) -> [f32; 2] {
        // Sixteenths of the circle are nearly straight in t = tan(angle / 2).
        const TAN_PI_16: f32 = 0.198_912_37;
        const STEP: [f32; 2] = [0.923_879_5, 0.382_683_43];
        let t = self.between(-TAN_PI_16, TAN_PI_16);
        let scale = 1.0 / (1.0 + t * t);
        let mut direction = [(1.0 - t * t) * scale, 2.0 * t * scale];
        for _ in 0..self.index(16) {
            direction = rotate(direction, STEP);
        }
        direction
    }

    /// Random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// `vector` turned by the angle of the unit vector `by`.
pub(super) fn rotate(vector: [f32; 2], by: [f32; 2]) -> [f32; 2] {
    [
        vector[0] * by[0] - vector[1] * by[1],
        vector[0] * by[1] + vector[1] * by[0],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_unit_vectors_spread_over_the_circle() {
        let mut dice = Dice::new(Stream::new(3));
        let mut eighths = [0; 8];
        for _ in 0..8000 {
            let [x, y] = dice.direction();
            assert!((x * x + y * y - 1.0).abs() < 1e-5);
            eighths[usize::from(x > 0.0)
                + 2 * usize::from(y > 0.0)
                + 4 * usize::from(x.abs() > y.abs())] += 1;
        }
        assert!(
            eighths.iter().all(|&count| (850..1150).contains(&count)),
            "{eighths:?}"
        );
    }

    #[test]
    fn indices_are_balanced() {
        let mut dice = Dice::new(Stream::new(4));
        let mut counts = [0; 5];
        for _ in 0..5000 {
            counts[dice.index(5)] += 1;
        }
        assert!(
            counts.iter().all(|&count| (850..1150).contains(&count)),
            "{counts:?}"
        );
    }
}
