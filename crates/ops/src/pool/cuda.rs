//! Max-pooling on a GPU.

use candle_core::{CudaStorage, Layout, Result};

use super::{PoolShape, kernels};
use crate::cuda::{floats, output};

const NAME: &str = "max_pool2d";

/// The largest value of each window, and which input that was.
pub(super) fn forward(
    shape: &PoolShape,
    batch: usize,
    x: &CudaStorage,
    layout: &Layout,
) -> Result<[CudaStorage; 2]> {
    let device = &x.device;
    let x = floats(NAME, x, layout)?;
    let len = batch * shape.output_len();
    let (mut y, mut winners) = (output(device, len)?, output(device, len)?);
    let [rows, columns] = shape.output();
    kernels::max_pool2d_forward(
        device,
        len,
        &x,
        &mut y.as_view_mut(),
        &mut winners.as_view_mut(),
        shape.input[0],
        shape.input[1],
        rows,
        columns,
        shape.kernel[0],
        shape.kernel[1],
        shape.stride[0],
        shape.stride[1],
        shape.padding[0],
        shape.padding[1],
    )?;
    Ok([
        CudaStorage::wrap_cuda_slice(y, device.clone()),
        CudaStorage::wrap_cuda_slice(winners, device.clone()),
    ])
}

/// The gradient of [`forward`], given its winners and the gradient of its output.
pub(super) fn backward(
    shape: &PoolShape,
    batch: usize,
    winners: &CudaStorage,
    gy: &CudaStorage,
    layout: &Layout,
) -> Result<CudaStorage> {
    let device = &gy.device;
    let winners = winners.as_cuda_slice::<u32>()?.as_view();
    let gy = floats(NAME, gy, layout)?;
    let len = batch * shape.input_len();
    let mut gx = output(device, len)?;
    let [rows, columns] = shape.output();
    kernels::max_pool2d_backward(
        device,
        len,
        &winners,
        &gy,
        &mut gx.as_view_mut(),
        shape.input[0],
        shape.input[1],
        rows,
        columns,
        shape.kernel[0],
        shape.kernel[1],
        shape.stride[0],
        shape.stride[1],
        shape.padding[0],
        shape.padding[1],
    )?;
    Ok(CudaStorage::wrap_cuda_slice(gx, device.clone()))
}
