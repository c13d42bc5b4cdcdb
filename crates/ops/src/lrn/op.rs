//! Response normalisation as a candle operation over tensors.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::{Lrn, lrn_backward, lrn_forward};
use crate::operands::{check_operands, floats};
use crate::split::Split;
use crate::tape::apply1;

const NAME: &str = "local_response_norm";

/// Normalises `x`, `[N, C, ...]`, across its channels (paper, section 3.3). Runs on the
/// CPU, and on a GPU with the feature `cuda`.
///
/// # Errors
/// `x` is not float32 or has less than two dimensions, or the numbers make no
/// sense (see [`Lrn::check`]).
pub fn local_response_norm(x: &Tensor, lrn: &Lrn) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    lrn.check().map_err(candle_core::Error::wrap)?;
    let [batch, channels, pixels @ ..] = x.dims() else {
        bail!("{NAME}: the input must be [N, C, ...], not {:?}", x.shape())
    };
    let op = LocalResponseNorm {
        lrn: *lrn,
        batch: *batch,
        planes: [*channels, pixels.iter().product()],
    };
    apply1(&x.contiguous()?, op)
}

#[derive(Clone, Copy)]
struct LocalResponseNorm {
    lrn: Lrn,
    batch: usize,
    planes: [usize; 2],
}

impl CustomOp1 for LocalResponseNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; x.len()];
        lrn_forward(
            Split::Threads,
            &self.lrn,
            self.batch,
            self.planes,
            x,
            &mut y,
        );
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let y = super::cuda::forward(&self.lrn, self.planes, x, layout)?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&gy.contiguous()?, &Gradient(*self))
            .map(Some)
    }
}

/// `gx` from `x` and `gy`.
struct Gradient(LocalResponseNorm);

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gy: &CpuStorage,
        gy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let LocalResponseNorm { lrn, batch, planes } = &self.0;
        let (x, gy) = (floats(NAME, x, x_layout)?, floats(NAME, gy, gy_layout)?);
        let mut gx = vec![0.0; x.len()];
        lrn_backward(Split::Threads, lrn, *batch, *planes, x, gy, &mut gx);
        Ok((CpuStorage::F32(gx), x_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        gy: &CudaStorage,
        gy_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let LocalResponseNorm { lrn, planes, .. } = &self.0;
        let gx = super::cuda::backward(lrn, *planes, [x, gy], [x_layout, gy_layout])?;
        Ok((gx, x_layout.shape().clone()))
    }
}
