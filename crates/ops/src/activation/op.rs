//! Activations as a candle operation over tensors.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{Activation, activation_backward, activation_forward};
use crate::operands::{check_operands, floats, with_floats};

const NAME: &str = "activation";

/// `act(x)` value by value, `x` of any shape. Its gradient needs the output
/// alone. Off the CPU it is candle's own operation.
///
/// # Errors
/// `x` is not float32.
pub fn activation(x: &Tensor, act: Activation) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    match act {
        Activation::Identity => Ok(x.clone()),
        _ if !x.device().is_cpu() => act.apply_tensor(x),
        _ => x.contiguous()?.apply_op1(Activate(act)),
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
        activation_forward(self.0, x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let mut gx = vec![0.0; x.elem_count()];
        with_floats(NAME, y, |y| {
            with_floats(NAME, gy, |gy| {
                activation_backward(self.0, y, gy, &mut gx);
                Ok(())
            })
        })?;
        Tensor::from_vec(gx, x.shape(), x.device()).map(Some)
    }
}
