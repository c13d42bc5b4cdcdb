//! The fully connected layer on a GPU: cuBLAS's products, then bias and activation in
//! one sweep.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::Activation;
use crate::activation::{activation, bias_activation};
use crate::cuda::only_on_a_gpu;
use crate::tape::apply2;

const NAME: &str = "linear";

/// `act(x w^T + bias)` of checked tensors on a GPU, with gradients.
///
/// # Errors
/// cuBLAS refuses, or the GPU is out of memory.
pub(super) fn linear(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    act: Activation,
) -> Result<Tensor> {
    let y = apply2(&x.contiguous()?, &w.contiguous()?, Product)?;
    match bias {
        Some(bias) => bias_activation(&y, bias, act),
        None => activation(&y, act),
    }
}

/// `x w^T`.
struct Product;

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        only_on_a_gpu(NAME)
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        w: &CudaStorage,
        w_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (batch, inputs) = x_layout.shape().dims2()?;
        let (outputs, _) = w_layout.shape().dims2()?;
        let sizes = (1, batch, outputs, inputs);
        let y = x.matmul(w, sizes, x_layout, &w_layout.transpose(0, 1)?)?;
        Ok((y, Shape::from((batch, outputs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Detached, so that candle records nothing of this.
        let gx = || gy.matmul(&w.detach());
        let gw = || gy.t()?.matmul(&x.detach());
        Ok((
            x.track_op().then(gx).transpose()?,
            w.track_op().then(gw).transpose()?,
        ))
    }
}
