//! Max-pooling as a candle operation over tensors.

use std::sync::OnceLock;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor, bail};

use super::{PoolShape, max_pool2d_backward, max_pool2d_forward};
use crate::operands::{check_operands, floats};
use crate::tape::apply1;

const NAME: &str = "max_pool2d";

/// The largest value of each window, `[N, C, H', W']`, of `x`, `[N, C, H, W]`; windows
/// overlap where the stride is less than the kernel (paper, section 3.4).
///
/// Pairs are `[height, width]`. Padding never wins; of equal values the first in
/// row-major order gets the gradient. Runs on the CPU, and on a GPU with the feature
/// `cuda`.
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
    let op = MaxPool2d {
        shape,
        batch,
        winners,
    };
    apply1(&x, op)
}

struct MaxPool2d {
    shape: PoolShape,
    batch: usize,
    /// Which input won each window, where a gradient may be asked for.
    winners: Option<OnceLock<Storage>>,
}

impl MaxPool2d {
    /// Keeps the winners for the backward pass.
    fn keep(&self, winners: Storage) -> Result<()> {
        match &self.winners {
            Some(kept) if kept.set(winners).is_err() => {
                bail!("{NAME}: one operation cannot be applied twice")
            }
            _ => Ok(()),
        }
    }

    fn output_shape(&self) -> Shape {
        let [height, width] = self.shape.output();
        Shape::from((self.batch, self.shape.channels, height, width))
    }

    fn input_shape(&self) -> Shape {
        let [height, width] = self.shape.input;
        Shape::from((self.batch, self.shape.channels, height, width))
    }
}

impl CustomOp1 for MaxPool2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(NAME, x, layout)?;
        let mut y = vec![0.0; self.batch * self.shape.output_len()];
        if self.winners.is_none() {
            max_pool2d_forward(&self.shape, self.batch, x, &mut y, None);
        } else {
            let mut winners = vec![0; y.len()];
            max_pool2d_forward(&self.shape, self.batch, x, &mut y, Some(&mut winners));
            self.keep(Storage::Cpu(CpuStorage::U32(winners)))?;
        }
        Ok((CpuStorage::F32(y), self.output_shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let [y, winners] = super::cuda::forward(&self.shape, self.batch, x, layout)?;
        self.keep(Storage::Cuda(winners))?;
        Ok((y, self.output_shape()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        gy.contiguous()?.apply_op1_no_bwd(&Gradient(self)).map(Some)
    }
}

/// `gx` from `gy` and the winners that the forward pass noted.
struct Gradient<'a>(&'a MaxPool2d);

impl Gradient<'_> {
    fn winners(&self) -> Result<&Storage> {
        match self.0.winners.as_ref().and_then(OnceLock::get) {
            Some(winners) => Ok(winners),
            None => bail!("{NAME}: the forward pass did not expect a gradient"),
        }
    }
}

impl CustomOp1 for Gradient<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, gy: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let MaxPool2d { shape, batch, .. } = self.0;
        let Storage::Cpu(CpuStorage::U32(winners)) = self.winners()? else {
            bail!("{NAME}: the forward pass ran on another device")
        };
        let mut gx = vec![0.0; batch * shape.input_len()];
        max_pool2d_backward(shape, *batch, winners, floats(NAME, gy, layout)?, &mut gx);
        Ok((CpuStorage::F32(gx), self.0.input_shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, gy: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let MaxPool2d { shape, batch, .. } = self.0;
        let Storage::Cuda(winners) = self.winners()? else {
            bail!("{NAME}: the forward pass ran on another device")
        };
        let gx = super::cuda::backward(shape, *batch, winners, gy, layout)?;
        Ok((gx, self.0.input_shape()))
    }
}
