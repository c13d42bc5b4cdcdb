//! Cross-entropy as a candle operation over tensors.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use super::slices::{row_gradient, row_loss};
use crate::operands::{check_operands, floats, with_floats};

const NAME: &str = "cross_entropy";

/// The mean over the batch of minus the log-probability that a softmax of the
/// logits gives to the target class; a scalar.
///
/// `logits` is `[N, classes]` in float32, `targets` `[N]` in `u32`. The gradient
/// flows to the logits.
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

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let weight = f64::from(gradient.to_scalar::<f32>()?) / self.targets.len() as f64;
        let mut values = vec![0.0; logits.elem_count()];
        with_floats(NAME, logits, |logits| {
            let gradients = values.chunks_exact_mut(self.classes);
            for ((row, target), gradient) in self.rows(logits).zip(gradients) {
                row_gradient(row, target, weight, gradient);
            }
            Ok(())
        })?;
        Tensor::from_vec(values, logits.shape(), logits.device()).map(Some)
    }
}
