//! The precision of a pass, as the kernels name it.

/// What the kernels should multiply in a pass of this precision.
pub(crate) fn operands(precision: ablate_core::Precision) -> ablate_ops::Precision {
    match precision {
        ablate_core::Precision::F32 => ablate_ops::Precision::F32,
        ablate_core::Precision::Bf16 => ablate_ops::Precision::Bf16,
    }
}
