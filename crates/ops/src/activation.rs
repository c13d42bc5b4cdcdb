//! The pointwise non-linearities a convolution or linear layer can fuse, and by
//! themselves.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(any(test, feature = "cuda"))]
mod kernels;
mod op;
mod slices;
#[cfg(test)]
mod tests;

#[cfg(feature = "cuda")]
pub(crate) use cuda::bias_activation;
pub use op::activation;
pub use slices::{activation_backward, activation_forward};

/// A non-linearity whose derivative follows from its output alone, so that a
/// fused layer need not keep its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// None: `f(x) = x`.
    #[default]
    Identity,
    /// `f(x) = max(0, x)` (paper, section 3.1).
    Relu,
    /// `f(x) = tanh(x)`, what the paper compares ReLU with.
    Tanh,
}

impl Activation {
    /// `f(x)`.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            // `max` would turn a diverged (not a number) value into zero.
            Self::Relu if x < 0.0 => 0.0,
            Self::Relu => x,
            Self::Tanh => x.tanh(),
        }
    }

    /// `f'(x)` in terms of `y = f(x)`.
    pub fn derivative(self, y: f32) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => f32::from(u8::from(y > 0.0)),
            Self::Tanh => 1.0 - y * y,
        }
    }

    /// `f` of every element, through candle's own operations.
    pub fn apply_tensor(self, x: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::Tanh => x.tanh(),
        }
    }
}
