//! Dropout on a GPU.

use candle_core::{CudaStorage, Layout, Result};

use super::slices::threshold_and_scale;
use super::{Mask, kernels};
use crate::cuda::{floats, output};

/// Both directions, as the CPU kernel does them.
pub(super) fn apply(
    p: f64,
    mask: Mask,
    from: &CudaStorage,
    layout: &Layout,
) -> Result<CudaStorage> {
    let device = &from.device;
    let from = floats("dropout", from, layout)?;
    let mut to = output(device, from.len())?;
    let (threshold, scale) = threshold_and_scale(p);
    kernels::dropout_apply(
        device,
        from.len(),
        &from,
        &mut to.as_view_mut(),
        mask.key,
        mask.first,
        threshold,
        scale,
    )?;
    Ok(CudaStorage::wrap_cuda_slice(to, device.clone()))
}
