//! What the layers of a network multiply.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The type of the operands of matrix products and convolutions. Weights, sums
/// and everything else stay float32.
///
/// Networks of `ablate-nn` obey it; a model of other operations may, and
/// otherwise computes in float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Float32.
    #[default]
    F32,
    /// Bfloat16, eight bits of mantissa, with products added up in float32.
    /// Several times as fast where the processor has AMX; with AVX-512 BF16
    /// alone, twice as fast on AMD's and no faster on Intel's.
    Bf16,
}
