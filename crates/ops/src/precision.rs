//! What the kernels of convolutions and linear layers multiply.

use crate::{Level, level};

/// The type of the operands of a product; sums, weights and everything else
/// are float32 throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Float32.
    #[default]
    F32,
    /// Bfloat16: operands are rounded to eight bits of mantissa, ties to even,
    /// and their products added up in float32. By the tiles of AMX or by AVX-512
    /// BF16, where magnitudes too small for a normal number count as zero;
    /// machines with neither compute the same in float32 arithmetic, without
    /// being faster for it.
    Bf16,
}

impl Precision {
    /// Whether this machine multiplies such operands as they are, without
    /// widening them to float32.
    pub fn has_instruction(self) -> bool {
        match self {
            Self::F32 => true,
            Self::Bf16 => level() >= Level::Avx512 && bf16_instruction(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn bf16_instruction() -> bool {
    use crate::vector::{Bf16, Element};
    Bf16::has_instruction()
}

#[cfg(not(target_arch = "x86_64"))]
fn bf16_instruction() -> bool {
    false
}
