//! Cross-entropy on a GPU.

use candle_core::{CudaStorage, Layout, Result};

use super::kernels;
use crate::cuda::{floats, output};

const NAME: &str = "cross_entropy";

/// The mean loss of logits `[N, classes]`, a single value.
pub(super) fn forward(
    targets: &[u32],
    classes: usize,
    logits: &CudaStorage,
    layout: &Layout,
) -> Result<CudaStorage> {
    let (device, rows) = (&logits.device, targets.len());
    let logits = floats(NAME, logits, layout)?;
    let targets = device.clone_htod(targets)?;
    let mut losses = output(device, rows)?;
    kernels::cross_entropy_rows(
        device,
        rows,
        &logits,
        &targets.as_view(),
        &mut losses.as_view_mut(),
        classes,
    )?;
    let mut mean = output(device, 1)?;
    kernels::cross_entropy_mean(device, 1, &losses.as_view(), &mut mean.as_view_mut(), rows)?;
    Ok(CudaStorage::wrap_cuda_slice(mean, device.clone()))
}

/// The gradient of the logits, given them and the gradient of the mean.
pub(super) fn backward(
    targets: &[u32],
    classes: usize,
    [logits, gradient]: [&CudaStorage; 2],
    [layout, gradient_layout]: [&Layout; 2],
) -> Result<CudaStorage> {
    let device = &logits.device;
    let logits = floats(NAME, logits, layout)?;
    let gradient = floats(NAME, gradient, gradient_layout)?;
    let uploaded = device.clone_htod(targets)?;
    let mut gx = output(device, logits.len())?;
    kernels::cross_entropy_backward(
        device,
        targets.len(),
        &logits,
        &uploaded.as_view(),
        &gradient,
        &mut gx.as_view_mut(),
        classes,
    )?;
    Ok(CudaStorage::wrap_cuda_slice(gx, device.clone()))
}
