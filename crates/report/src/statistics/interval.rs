//! A range of plausible values.

/// A closed interval; an end that is not known is infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval from `low` to `high`.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Applies an increasing function to both ends.
    pub fn map(self, increasing: impl Fn(f64) -> f64) -> Self {
        Self::new(increasing(self.low), increasing(self.high))
    }

    /// The mirror image about zero.
    pub fn mirrored(self) -> Self {
        Self::new(-self.high, -self.low)
    }
}
