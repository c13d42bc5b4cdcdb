//! A forward pass that was computed outside candle, as one operation of its
//! graph.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

const NAME: &str = "network";

/// Puts a finished pass into candle's graph: `output` with its `shape` is what
/// became of `images`, and `backward` takes images, output and the gradient of
/// the output to that of the images.
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
    output: Vec<f32>,
    shape: Shape,
    backward: B,
) -> Result<Tensor>
where
    B: Fn(&Tensor, &Tensor, &Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
{
    images.apply_op2(
        anchor,
        Record {
            output: Mutex::new(Some(output)),
            shape,
            backward,
        },
    )
}

/// A forward pass in candle's graph; what it holds goes when it is dropped.
struct Record<B> {
    /// Taken by candle when the operation is recorded.
    output: Mutex<Option<Vec<f32>>>,
    shape: Shape,
    backward: B,
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
        // Computed before candle was asked, so that no lock was held meanwhile.
        let output = self.output.lock().ok().and_then(|mut output| output.take());
        match output {
            Some(output) => Ok((CpuStorage::F32(output), self.shape.clone())),
            None => bail!("{NAME}: a recorded pass cannot be run again"),
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
