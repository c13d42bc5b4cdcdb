//! The pointwise non-linearities a convolution or linear layer can fuse.

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
