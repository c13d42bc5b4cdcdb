//! Max-pooling as a candle operation over tensors.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{PoolShape, max_pool2d_backward, max_pool2d_forward};
use crate::operands::{check_operands, floats, with_floats};

const NAME: &str = "max_pool2d";

/// The largest value of each window, `[N, C, H', W']`, of `x`, `[N, C, H, W]`.
///
/// Pairs are `[height, width]`. Padding never wins; of equal values the first in
/// row-major order gets the gradient. Runs on the CPU.
///
/// # Errors
/// `x` is not a float32 tensor of four dimensions, or the sizes do not fit (see
/// [`PoolShape::check`]).
pub fn max_pool2d(
    x: &Tensor,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Tensor> {
    check_operands(NAME, &[x])?;
    let Ok((batch, channels, height, width)) = x.dims4() else {
        bail!(
            "{NAME}: the input must be [N, C, H, W], not {:?}",
            x.shape()
        )
    };
    let shape = PoolShape::new(channels, kernel, stride, padding, [height, width])
        .map_err(candle_core::Error::wrap)?;
    let x = x.contiguous()?;
    let winners = x.track_op().then(OnceLock::new);
    x.apply_op1(MaxPool2d {
        shape,
        batch,
        winners,
    })
}

struct MaxPool2d {
    shape: PoolShape,
    batch: usize,
    /// Which input won each window, where a gradient may be asked for.
    winners: Option<OnceLock<Vec<u32>>>,
}

impl CustomOp1 for MaxPool2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; self.batch * self.shape.output_len()];
        match &self.winners {
            None => max_pool2d_forward(&self.shape, self.batch, x, &mut y, None),
            Some(kept) => {
                let mut winners = vec![0; y.len()];
                max_pool2d_forward(&self.shape, self.batch, x, &mut y, Some(&mut winners));
                if kept.set(winners).is_err() {
                    bail!("{NAME}: one operation cannot be applied twice")
                }
            }
        }
        let [height, width] = self.shape.output();
        let shape = Shape::from((self.batch, self.shape.channels, height, width));
        Ok((CpuStorage::F32(y), shape))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let Some(winners) = self.winners.as_ref().and_then(OnceLock::get) else {
            bail!("{NAME}: the forward pass did not expect a gradient")
        };
        let mut gx = vec![0.0; x.elem_count()];
        with_floats(NAME, gy, |gy| {
            max_pool2d_backward(&self.shape, self.batch, winners, gy, &mut gx);
            Ok(())
        })?;
        Tensor::from_vec(gx, x.shape(), x.device()).map(Some)
    }
}
