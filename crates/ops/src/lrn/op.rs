//! Response normalisation as a candle operation over tensors.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{Lrn, lrn_backward, lrn_forward};
use crate::operands::{check_operands, floats, with_floats};

const NAME: &str = "local_response_norm";

/// Normalises `x`, `[N, C, ...]`, across its channels. Runs on the CPU.
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
    x.contiguous()?.apply_op1(op)
}

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
        lrn_forward(&self.lrn, self.batch, self.planes, x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let mut gx = vec![0.0; x.elem_count()];
        with_floats(NAME, x, |x| {
            with_floats(NAME, gy, |gy| {
                lrn_backward(&self.lrn, self.batch, self.planes, x, gy, &mut gx);
                Ok(())
            })
        })?;
        Tensor::from_vec(gx, x.shape(), x.device()).map(Some)
    }
}
