//! Dropout as a candle operation over tensors.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{Mask, dropout_forward};
use crate::operands::{check_operands, floats};
use crate::tape::apply1;

const NAME: &str = "dropout";

/// `x` with each value dropped with chance `p`, else divided by `1 - p` (paper, section
/// 4.2). Runs on the CPU, and on a GPU with the feature `cuda`.
///
/// This is inverted dropout: nothing is done at test time. The paper instead leaves the
/// kept values alone and multiplies by 0.5 at test time. Both give every unit the same
/// expected output in training and testing; the networks differ by a factor that the
/// next layer's weights absorb.
///
/// # Errors
/// `x` is not float32, or `p` is not in 0..1.
pub fn dropout(x: &Tensor, p: f64, mask: Mask) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    if !(0.0..1.0).contains(&p) {
        bail!("{NAME}: the rate {p} is not in 0..1; give the chance of being dropped")
    }
    apply1(&x.contiguous()?, Dropout { p, mask })
}

struct Dropout {
    p: f64,
    mask: Mask,
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; x.len()];
        dropout_forward(self.p, self.mask, x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let y = super::cuda::apply(self.p, self.mask, x, layout)?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        // The map is linear and diagonal: it is its own gradient.
        gy.contiguous()?.apply_op1_no_bwd(self).map(Some)
    }
}
