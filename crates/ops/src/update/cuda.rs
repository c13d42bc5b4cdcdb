//! The update rules on a GPU.

use candle_core::cuda_backend::cudarc::driver::CudaView;
use candle_core::{CudaDevice, Result, Storage, Tensor, bail};

use super::adam::Factors;
use super::kernels;
use super::targets::check;
use crate::cuda::{InPlace, floats};

/// The paper's rule: `w` and `v` are changed in place, `g` is the gradient.
pub(super) fn sgd_paper(
    device: &CudaDevice,
    [w, v, g]: [&Tensor; 3],
    [momentum, decay, lr]: [f32; 3],
) -> Result<()> {
    const OP: &str = "sgd_paper";
    check(OP, &[w, v, g])?;
    let len = w.elem_count();
    with_view(OP, g, |g| {
        InPlace::run(OP, w, |w| {
            InPlace::run(OP, v, |v| {
                kernels::sgd_paper_update(device, len, w, v, g, momentum, decay, lr)
            })
        })
    })
}

/// PyTorch's rule, likewise.
pub(super) fn sgd(
    device: &CudaDevice,
    [w, v, g]: [&Tensor; 3],
    [momentum, decay, lr]: [f32; 3],
) -> Result<()> {
    const OP: &str = "sgd";
    check(OP, &[w, v, g])?;
    let len = w.elem_count();
    with_view(OP, g, |g| {
        InPlace::run(OP, w, |w| {
            InPlace::run(OP, v, |v| {
                kernels::sgd_update(device, len, w, v, g, momentum, decay, lr)
            })
        })
    })
}

/// Adam: `w`, its mean `m` and mean square `v` are changed in place.
pub(super) fn adam(
    device: &CudaDevice,
    [w, m, v, g]: [&Tensor; 4],
    factors: Factors,
) -> Result<()> {
    const OP: &str = "adam";
    check(OP, &[w, m, v, g])?;
    let len = w.elem_count();
    with_view(OP, g, |g| {
        InPlace::run(OP, w, |w| {
            InPlace::run(OP, m, |m| {
                InPlace::run(OP, v, |v| {
                    kernels::adam_update(
                        device,
                        len,
                        w,
                        m,
                        v,
                        g,
                        factors.keep,
                        factors.decay,
                        factors.mean[0],
                        factors.mean[1],
                        factors.square[0],
                        factors.square[1],
                        factors.root,
                        factors.eps,
                        factors.rate,
                    )
                })
            })
        })
    })
}

/// Runs `with` on the values of a tensor, copied only if it is not contiguous.
fn with_view(
    op: &str,
    tensor: &Tensor,
    with: impl FnOnce(&CudaView<f32>) -> Result<()>,
) -> Result<()> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) => with(&floats(op, storage, layout)?),
        _ => bail!("{op}: the operands are on different devices"),
    }
}
