//! A forward pass that was computed outside candle, as one operation of its
//! graph.

use std::sync::Mutex;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Storage, Tensor, bail};

const NAME: &str = "network";

/// What a pass made of its images.
pub(crate) enum Output {
    /// Values on the CPU, and their shape.
    Values(Vec<f32>, Shape),
    /// A tensor that is part of another graph, on any device.
    Tensor(Tensor),
}

impl Output {
    fn into_storage(self) -> Result<(Storage, Shape)> {
        match self {
            Self::Values(values, shape) => Ok((Storage::Cpu(CpuStorage::F32(values)), shape)),
            Self::Tensor(tensor) => {
                let (storage, layout) = tensor.storage_and_layout();
                Ok((storage.try_clone(layout)?, tensor.shape().clone()))
            }
        }
    }
}

/// Puts a finished pass into candle's graph. `output` is what became of `images`;
/// `backward` is given the images, the output and the output's gradient, and returns
/// the gradient of the images, where it is wanted.
///
/// candle records an operation only if an argument is tracked, and passes on
/// gradients of the arguments alone. So `anchor`, some parameter, stands for all
/// of them; `backward` hands over their gradients by itself.
///
/// # Errors
/// candle refuses the operation.
pub(crate) fn record<B>(
    images: &Tensor,
    anchor: &Tensor,
    output: Output,
    backward: B,
) -> Result<Tensor>
where
    B: Fn(&Tensor, &Tensor, &Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
{
    images.apply_op2(
        anchor,
        Record {
            output: Mutex::new(Some(output.into_storage()?)),
            backward,
        },
    )
}

/// A forward pass in candle's graph; what it holds goes when it is dropped.
struct Record<B> {
    /// Taken by candle when the operation is recorded.
    output: Mutex<Option<(Storage, Shape)>>,
    backward: B,
}

impl<B> Record<B> {
    /// The output, computed before candle asked, so that no lock was held meanwhile.
    fn output(&self) -> Result<(Storage, Shape)> {
        let output = self.output.lock().ok().and_then(|mut output| output.take());
        match output {
            Some(output) => Ok(output),
            None => bail!("{NAME}: a recorded pass cannot be run again"),
        }
    }
}

impl<B> CustomOp2 for Record<B>
where
    B: Fn(&Tensor, &Tensor, &Tensor) -> Result<Option<Tensor>> + Send + Sync,
{
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
        match self.output()? {
            (Storage::Cpu(output), shape) => Ok((output, shape)),
            _ => bail!("{NAME}: the images and the output are on different devices"),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        match self.output()? {
            (Storage::Cuda(output), shape) => Ok((output, shape)),
            _ => bail!("{NAME}: the images and the output are on different devices"),
        }
    }

    fn bwd(
        &self,
        images: &Tensor,
        _: &Tensor,
        output: &Tensor,
        grad_output: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok(((self.backward)(images, output, grad_output)?, None))
    }
}
