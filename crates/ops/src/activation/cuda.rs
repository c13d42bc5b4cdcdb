//! Activations on a GPU.

use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::op::Gradient;
use super::{Activation, kernels};
use crate::cuda::{floats, only_on_a_gpu, output};
use crate::tape::apply2;

const NAME: &str = "bias_activation";

/// `act(x)`.
pub(super) fn forward(act: Activation, x: &CudaStorage, layout: &Layout) -> Result<CudaStorage> {
    let device = &x.device;
    let x = floats("activation", x, layout)?;
    let mut y = output(device, x.len())?;
    kernels::activation_forward(device, x.len(), &x, &mut y.as_view_mut(), act as u32)?;
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

/// The gradient of [`forward`], given its output and the output's gradient.
pub(super) fn backward(
    act: Activation,
    [y, gy]: [&CudaStorage; 2],
    [y_layout, gy_layout]: [&Layout; 2],
) -> Result<CudaStorage> {
    let device = &y.device;
    let y = floats("activation", y, y_layout)?;
    let gy = floats("activation", gy, gy_layout)?;
    let mut gx = output(device, y.len())?;
    kernels::activation_backward(device, y.len(), &y, &gy, &mut gx.as_view_mut(), act as u32)?;
    Ok(CudaStorage::wrap_cuda_slice(gx, device.clone()))
}

/// `act(x + bias)`, what follows a convolution: `x` is `[N, C, ...]` on a GPU,
/// `bias` `[C]`.
///
/// # Errors
/// The GPU is out of memory.
pub(crate) fn bias_activation(x: &Tensor, bias: &Tensor, act: Activation) -> Result<Tensor> {
    apply2(&x.contiguous()?, &bias.contiguous()?, BiasActivation(act))
}

struct BiasActivation(Activation);

impl CustomOp2 for BiasActivation {
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
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (device, shape) = (&x.device, x_layout.shape());
        let x = floats(NAME, x, x_layout)?;
        let bias = floats(NAME, bias, bias_layout)?;
        let mut y = output(device, x.len())?;
        let pixels = shape.dims()[2..].iter().product();
        kernels::bias_activation_forward(
            device,
            x.len(),
            &x,
            &bias,
            &mut y.as_view_mut(),
            bias.len(),
            pixels,
            self.0 as u32,
        )?;
        let y = CudaStorage::wrap_cuda_slice(y, device.clone());
        Ok((y, shape.clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gx = y.apply_op2_no_bwd(&gy.contiguous()?, &Gradient(self.0))?;
        let gb = match bias.track_op() {
            true => {
                let channels = bias.elem_count();
                let planes = gx.reshape((gx.dim(0)?, channels, ()))?;
                Some(planes.sum(2)?.sum(0)?)
            }
            false => None,
        };
        Ok((Some(gx), gb))
    }
}
