//! Cross-entropy on a GPU.

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView};
use candle_core::{CudaDevice, CudaStorage, Layout, Result};

use super::kernels::{self, LOSS_LANES};
use crate::cuda::{floats, output};

const NAME: &str = "cross_entropy";

/// The mean loss of logits `[N, classes]`, a single value.
pub(super) fn forward(
    targets: &[u32],
    classes: usize,
    logits: &CudaStorage,
    layout: &Layout,
) -> Result<CudaStorage> {
    let device = &logits.device;
    let rows = Rows::of(device, &floats(NAME, logits, layout)?, targets, classes)?;
    let mut mean = output(device, 1)?;
    let losses = rows.losses.as_view();
    kernels::cross_entropy_mean(device, 1, &losses, &mut mean.as_view_mut(), targets.len())?;
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
    let rows = Rows::of(device, &logits, targets, classes)?;
    let mut gx = output(device, logits.len())?;
    kernels::cross_entropy_backward(
        device,
        logits.len(),
        &logits,
        &rows.targets.as_view(),
        &rows.terms.as_view(),
        &gradient,
        &mut gx.as_view_mut(),
        classes,
    )?;
    Ok(CudaStorage::wrap_cuda_slice(gx, device.clone()))
}

/// What is known of each row of logits.
struct Rows {
    targets: CudaSlice<u32>,
    terms: CudaSlice<f64>,
    losses: CudaSlice<f64>,
}

impl Rows {
    fn of(
        device: &CudaDevice,
        logits: &CudaView<f32>,
        targets: &[u32],
        classes: usize,
    ) -> Result<Self> {
        let count = targets.len();
        let targets = device.clone_htod(targets)?;
        let mut parts = output(device, 3 * LOSS_LANES * count)?;
        kernels::cross_entropy_parts(
            device,
            LOSS_LANES * count,
            logits,
            &targets.as_view(),
            &mut parts.as_view_mut(),
            classes,
        )?;
        let (mut terms, mut losses) = (output(device, 3 * count)?, output(device, count)?);
        kernels::cross_entropy_rows(
            device,
            count,
            logits,
            &targets.as_view(),
            &parts.as_view(),
            &mut terms.as_view_mut(),
            &mut losses.as_view_mut(),
            classes,
        )?;
        Ok(Self {
            targets,
            terms,
            losses,
        })
    }
}
