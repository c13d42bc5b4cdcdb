//! Dropout as a candle operation over tensors.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{dropout_backward, dropout_forward};
use crate::operands::{check_operands, floats, with_floats};

const NAME: &str = "dropout";

/// `x` with each value dropped with chance `p`, else divided by `1 - p`. The
/// mask depends on `key` and the values' places alone. Runs on the CPU.
///
/// # Errors
/// `x` is not float32, or `p` is not in 0..1.
pub fn dropout(x: &Tensor, p: f64, key: u64) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    if !(0.0..1.0).contains(&p) {
        bail!("{NAME}: the rate {p} is not in 0..1; give the chance of being dropped")
    }
    x.contiguous()?.apply_op1(Dropout { p, key })
}

struct Dropout {
    p: f64,
    key: u64,
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; x.len()];
        dropout_forward(self.p, self.key, x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let mut gx = vec![0.0; x.elem_count()];
        with_floats(NAME, gy, |gy| {
            dropout_backward(self.p, self.key, gy, &mut gx);
            Ok(())
        })?;
        Tensor::from_vec(gx, x.shape(), x.device()).map(Some)
    }
}
