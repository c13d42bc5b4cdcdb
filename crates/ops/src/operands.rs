//! What the candle custom ops share: reading float32 tensors as slices.

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor, bail};

/// Whether the operations have kernels for a device, and are not to be composed
/// of candle's own.
pub(crate) fn has_kernels(device: &Device) -> bool {
    device.is_cpu() || cfg!(feature = "cuda") && device.is_cuda()
}

/// The contiguous float32 values behind `layout`.
pub(crate) fn floats<'a>(op: &str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(values) = storage else {
        bail!("{op}: only float32 tensors have a CPU kernel; convert with `to_dtype(DType::F32)`")
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("{op}: an operand is not contiguous; call `contiguous()` first"),
    }
}

/// Runs `with` on the values of a CPU tensor, copying only if it is not contiguous.
pub(crate) fn with_floats<R>(
    op: &str,
    tensor: &Tensor,
    with: impl FnOnce(&[f32]) -> Result<R>,
) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => with(floats(op, storage, layout)?),
        _ => bail!("{op}: the CPU kernel was given a tensor on another device"),
    }
}

/// Fails unless every operand is float32 and on the device of the first.
pub(crate) fn check_operands(op: &str, operands: &[&Tensor]) -> Result<()> {
    for tensor in operands {
        if tensor.dtype() != DType::F32 {
            bail!(
                "{op}: operands must be float32, not {:?}; convert with `to_dtype(DType::F32)`",
                tensor.dtype()
            )
        }
        if !tensor.device().same_device(operands[0].device()) {
            bail!("{op}: the operands are on different devices")
        }
    }
    Ok(())
}
