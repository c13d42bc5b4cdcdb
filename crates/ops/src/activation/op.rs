//! Activations as a candle operation over tensors.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

use super::{Activation, activation_backward, activation_forward};
use crate::Split;
use crate::operands::{check_operands, floats, has_kernels};
use crate::tape::apply1;

const NAME: &str = "activation";

/// `act(x)` value by value, `x` of any shape. Its gradient needs the output
/// alone. On a device without a kernel here it is candle's own operation.
///
/// # Errors
/// `x` is not float32.
pub fn activation(x: &Tensor, act: Activation) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    match act {
        Activation::Identity => Ok(x.clone()),
        _ if has_kernels(x.device()) => apply1(&x.contiguous()?, Activate(act)),
        _ => act.apply_tensor(x),
    }
}

struct Activate(Activation);

impl CustomOp1 for Activate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; x.len()];
        activation_forward(Split::Threads, self.0, x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let y = super::cuda::forward(self.0, x, layout)?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let gy = gy.contiguous()?;
        y.apply_op2_no_bwd(&gy, &Gradient(self.0)).map(Some)
    }
}

/// `gx` from `y` and `gy`.
pub(super) struct Gradient(pub Activation);

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        y_layout: &Layout,
        gy: &CpuStorage,
        gy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (y, gy) = (floats(NAME, y, y_layout)?, floats(NAME, gy, gy_layout)?);
        let mut gx = gy.to_vec();
        activation_backward(Split::Threads, self.0, y, &mut gx);
        Ok((CpuStorage::F32(gx), y_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        y: &CudaStorage,
        y_layout: &Layout,
        gy: &CudaStorage,
        gy_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let gx = super::cuda::backward(self.0, [y, gy], [y_layout, gy_layout])?;
        Ok((gx, y_layout.shape().clone()))
    }
}
