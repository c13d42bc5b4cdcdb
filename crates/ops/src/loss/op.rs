//! Cross-entropy as a candle operation over tensors.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::slices::{row_gradient, row_loss};
use crate::operands::{check_operands, floats};

const NAME: &str = "cross_entropy";

/// The mean over the batch of minus the log-probability that a softmax of the
/// logits gives to the target class; a scalar (paper, section 3.5).
///
/// `logits` is `[N, classes]` in float32, `targets` `[N]` in `u32`, best on the
/// CPU, where they are checked. The gradient flows to the logits.
///
/// # Errors
/// The shapes or types are others, the batch is empty, or a target is not below
/// the number of classes.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    check_operands(NAME, &[logits])?;
    let classes = match logits.dims() {
        [batch, classes] if targets.dims() == [*batch] => *classes,
        _ => bail!(
            "{NAME}: the logits must be [N, classes] and the targets [N], not {:?} and {:?}",
            logits.shape(),
            targets.shape()
        ),
    };
    if targets.dtype() != DType::U32 {
        bail!("{NAME}: the targets must be u32, not {:?}", targets.dtype())
    }
    let targets = targets.to_vec1::<u32>()?;
    if targets.is_empty() {
        bail!("{NAME}: an empty batch has no mean loss")
    }
    if let Some(target) = targets.iter().find(|target| **target as usize >= classes) {
        bail!("{NAME}: target {target} is out of range for {classes} classes, numbered from 0")
    }
    let op = CrossEntropy { targets, classes };
    logits.contiguous()?.apply_op1(op)
}

/// The targets are part of the operation, for they have no gradient.
struct CrossEntropy {
    targets: Vec<u32>,
    classes: usize,
}

impl CrossEntropy {
    fn rows<'a>(&'a self, logits: &'a [f32]) -> impl Iterator<Item = (&'a [f32], usize)> {
        let targets = self.targets.iter().map(|target| *target as usize);
        logits.chunks_exact(self.classes).zip(targets)
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let rows = self.rows(floats(NAME, logits, layout)?);
        let sum: f64 = rows.map(|(row, target)| row_loss(row, target)).sum();
        let mean = sum / self.targets.len() as f64;
        Ok((CpuStorage::F32(vec![mean as f32]), Shape::from(())))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, logits: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let mean = super::cuda::forward(&self.targets, self.classes, logits, layout)?;
        Ok((mean, Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        logits
            .apply_op2_no_bwd(&gradient, &Gradient(self))
            .map(Some)
    }
}

/// The gradient of the logits, from them and the gradient of the mean.
struct Gradient<'a>(&'a CrossEntropy);

impl CustomOp2 for Gradient<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let CrossEntropy { targets, classes } = self.0;
        // The mean is a scalar, and so is its gradient.
        let [gradient] = floats(NAME, gradient, gradient_layout)? else {
            bail!("{NAME}: the gradient of the loss is not a scalar")
        };
        let weight = f64::from(*gradient) / targets.len() as f64;
        let logits = floats(NAME, logits, layout)?;
        let mut values = vec![0.0; logits.len()];
        let gradients = values.chunks_exact_mut(*classes);
        for ((row, target), gradient) in self.0.rows(logits).zip(gradients) {
            row_gradient(row, target, weight, gradient);
        }
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        logits: &CudaStorage,
        layout: &Layout,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let CrossEntropy { targets, classes } = self.0;
        let layouts = [layout, gradient_layout];
        let gx = super::cuda::backward(targets, *classes, [logits, gradient], layouts)?;
        Ok((gx, layout.shape().clone()))
    }
}
