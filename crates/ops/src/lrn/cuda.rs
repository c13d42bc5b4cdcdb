//! Response normalisation on a GPU.

use candle_core::{CudaStorage, Layout, Result};

use super::slices::Terms;
use super::{Lrn, kernels};
use crate::cuda::{floats, output};

const NAME: &str = "local_response_norm";

/// The normalised `x`, of `planes` `[C, pixels]`.
pub(super) fn forward(
    lrn: &Lrn,
    [channels, pixels]: [usize; 2],
    x: &CudaStorage,
    layout: &Layout,
) -> Result<CudaStorage> {
    let device = &x.device;
    let x = floats(NAME, x, layout)?;
    let mut y = output(device, x.len())?;
    let terms = Terms::of(lrn);
    kernels::lrn_forward(
        device,
        x.len(),
        &x,
        &mut y.as_view_mut(),
        channels,
        pixels,
        terms.reach[0],
        terms.reach[1],
        terms.factor,
        terms.k,
        terms.beta,
        terms.quarters as u32,
    )?;
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

/// The gradient of [`forward`], given `x` and the gradient of the output.
pub(super) fn backward(
    lrn: &Lrn,
    [channels, pixels]: [usize; 2],
    [x, gy]: [&CudaStorage; 2],
    [x_layout, gy_layout]: [&Layout; 2],
) -> Result<CudaStorage> {
    let device = &x.device;
    let (x, gy) = (floats(NAME, x, x_layout)?, floats(NAME, gy, gy_layout)?);
    let mut gx = output(device, x.len())?;
    let mut shares = output(device, x.len())?;
    let terms = Terms::of(lrn);
    let [before, after] = terms.reach;
    kernels::lrn_backward_shares(
        device,
        x.len(),
        &x,
        &gy,
        &mut gx.as_view_mut(),
        &mut shares.as_view_mut(),
        channels,
        pixels,
        before,
        after,
        terms.factor,
        terms.k,
        terms.beta,
        terms.quarters as u32,
    )?;
    kernels::lrn_backward_gather(
        device,
        x.len(),
        &x,
        &shares.as_view(),
        &mut gx.as_view_mut(),
        channels,
        pixels,
        before,
        after,
        terms.gather_factor(),
    )?;
    Ok(CudaStorage::wrap_cuda_slice(gx, device.clone()))
}
