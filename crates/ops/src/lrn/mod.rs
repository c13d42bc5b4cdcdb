//! Local response normalisation across channels (paper, section 3.3), and its
//! gradient.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod op;
mod slices;
#[cfg(test)]
mod split_tests;
mod strip;
#[cfg(test)]
mod tests;

pub use op::local_response_norm;
pub use slices::{lrn_backward, lrn_forward};

/// What the sum of squares is multiplied by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlphaConvention {
    /// `alpha`, as in the paper.
    #[default]
    Paper,
    /// `alpha / size`, as in PyTorch.
    DividedBySize,
}

/// Local response normalisation (paper, section 3.3): at each pixel,
/// `y[c] = x[c] / (k + a * sum of x[c']^2)^beta` with the sum over the `size`
/// channels around `c`, and `a` as [`AlphaConvention`] says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lrn {
    /// Channels in a sum (paper: `n`). An even size reaches one further down
    /// than up, as in PyTorch.
    pub size: usize,
    /// Weight of the sum of squares.
    pub alpha: f64,
    /// The exponent. 0.75 and 0.5 are computed with square roots, others with
    /// the much slower power function.
    pub beta: f64,
    /// What the sum is added to.
    pub k: f64,
    /// How `alpha` is meant.
    pub convention: AlphaConvention,
}

impl Default for Lrn {
    /// The paper's: n = 5, alpha = 1e-4, beta = 0.75, k = 2.
    fn default() -> Self {
        Self {
            size: 5,
            alpha: 1e-4,
            beta: 0.75,
            k: 2.0,
            convention: AlphaConvention::Paper,
        }
    }
}

/// Why numbers do not make a normalisation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LrnError {
    /// No channel to sum over.
    #[error("response norm: the size must be at least 1")]
    Size,
    /// A number that has no meaning.
    #[error("response norm: `{name}` is {value}; give a finite number of at least 0")]
    Number {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A channel that nothing excites would be divided by zero.
    #[error(
        "response norm: `k` is {k}, which vanishes in 32 bits; give a larger k, the paper has 2"
    )]
    Vanishing {
        /// What the sum is added to.
        k: f64,
    },
}

impl Lrn {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// The size is zero, another number is negative or not finite, or `k` is so small
    /// that a power of it or its reciprocal, which the gradient needs, is infinite.
    pub fn check(&self) -> Result<(), LrnError> {
        if self.size == 0 {
            return Err(LrnError::Size);
        }
        let numbers = [("alpha", self.alpha), ("beta", self.beta), ("k", self.k)];
        match numbers
            .into_iter()
            .find(|(_, n)| !n.is_finite() || *n < 0.0)
        {
            Some((name, value)) => Err(LrnError::Number { name, value }),
            None if !self.is_bounded() => Err(LrnError::Vanishing { k: self.k }),
            None => Ok(()),
        }
    }

    /// Whether nothing is divided by zero where all channels of a sum are zero.
    fn is_bounded(&self) -> bool {
        let k = self.k as f32;
        k.recip().is_finite() && k.powf(-self.beta as f32).is_finite()
    }

    /// What a square is multiplied by.
    fn weight(&self) -> f64 {
        match self.convention {
            AlphaConvention::Paper => self.alpha,
            AlphaConvention::DividedBySize => self.alpha / self.size as f64,
        }
    }

    /// Channels in a sum before and after its own.
    fn reach(&self) -> [usize; 2] {
        [self.size / 2, (self.size - 1) / 2]
    }
}
