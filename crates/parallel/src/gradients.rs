//! Sums of tensors, for which ranks exchange one long row of values.

use candle_core::{Device, Tensor};

use crate::{Group, Result};

/// Each tensor's sum over all ranks, which give tensors of the same shapes in the
/// same order. One exchange for all costs the time to begin one once.
///
/// # Errors
/// A rank is gone, or gives tensors of other sizes.
pub fn sum_tensors(group: &dyn Group, tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    if group.size() == 1 {
        return Ok(tensors.to_vec());
    }
    let len = tensors.iter().map(Tensor::elem_count).sum();
    let mut values = Vec::with_capacity(len);
    for tensor in tensors {
        values.extend_from_slice(&tensor.flatten_all()?.to_vec1::<f32>()?);
    }
    // The tensors are views into one, so that nothing is copied again.
    let sum = Tensor::from_vec(group.sum(values)?, len, &Device::Cpu)?;
    let mut start = 0;
    let part = |tensor: &Tensor| {
        let part = sum.narrow(0, start, tensor.elem_count())?;
        start += tensor.elem_count();
        Ok(part.reshape(tensor.shape())?.to_device(tensor.device())?)
    };
    tensors.iter().map(part).collect()
}
