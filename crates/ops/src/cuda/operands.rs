//! Tensors on a GPU as the kernels take them.

use std::cell::Cell;

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, CudaViewMut, DeviceRepr};
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, Error, InplaceOp1, Layout, Result, Tensor, bail,
};

/// The contiguous float32 values behind `layout`.
///
/// # Errors
/// The values are not contiguous or not float32.
pub(crate) fn floats<'a>(
    op: &str,
    storage: &'a CudaStorage,
    layout: &Layout,
) -> Result<CudaView<'a, f32>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<f32>()?.slice(start..end)),
        None => bail!("{op}: an operand is not contiguous; call `contiguous()` first"),
    }
}

/// Room for values that a kernel is about to write, all of them.
///
/// # Errors
/// The GPU is out of memory.
pub(crate) fn output<T: DeviceRepr>(device: &CudaDevice, len: usize) -> Result<CudaSlice<T>> {
    // SAFETY: plain numbers, and each kernel writes all it is given before
    // anything reads them.
    unsafe { device.alloc::<T>(len) }
}

/// The answer of an operation that is never asked to run on the CPU.
pub(crate) fn only_on_a_gpu<T>(op: &str) -> Result<T> {
    bail!("{op}: this part of the operation has a GPU kernel only")
}

/// A change in place of the values of a tensor on a GPU.
pub(crate) struct InPlace<F> {
    op: &'static str,
    with: Cell<Option<F>>,
}

impl<F: FnOnce(&mut CudaViewMut<f32>) -> Result<()>> InPlace<F> {
    /// Runs `with` on the values of a contiguous float32 tensor.
    ///
    /// # Errors
    /// The tensor is another, or what `with` raises.
    pub fn run(op: &'static str, tensor: &Tensor, with: F) -> Result<()> {
        let with = Cell::new(Some(with));
        tensor.inplace_op1(&Self { op, with })
    }
}

impl<F: FnOnce(&mut CudaViewMut<f32>) -> Result<()>> InplaceOp1 for InPlace<F> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        only_on_a_gpu(self.op)
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<()> {
        let op = self.op;
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("{op}: what is updated must be contiguous")
        };
        let with = self.with.take();
        let with =
            with.ok_or_else(|| Error::Msg(format!("{op}: an in-place operation ran twice")))?;
        with(&mut storage.as_cuda_slice_mut::<f32>()?.slice_mut(start..end))
    }
}
