//! What the kernels of convolutions and linear layers multiply.

/// The type of the operands of a product; sums, weights and everything else
/// are float32 throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Float32.
    #[default]
    F32,
    /// Bfloat16: operands are rounded to eight bits of mantissa, ties to even,
    /// and their products added up in float32. Machines without AVX-512 BF16
    /// compute the same in float32 arithmetic, without being faster for it.
    Bf16,
}
