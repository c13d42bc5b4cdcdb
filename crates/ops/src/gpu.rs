//! Opening a GPU for training.

use candle_core::{Device, Result};

/// The GPU of a number, from 0, which computes in the order it is asked to: all
/// threads share one stream. Memory that is freed stays with this program, as a training
/// step takes what the last one left.
///
/// # Errors
/// There is no such GPU, or the program was built without the feature `cuda`.
pub fn gpu(ordinal: usize) -> Result<Device> {
    let device = Device::new_cuda_with_stream(ordinal)?;
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = &device {
        prepare(device)?;
    }
    Ok(device)
}

#[cfg(feature = "cuda")]
fn prepare(device: &candle_core::CudaDevice) -> Result<()> {
    use candle_core::Error;
    use candle_core::cuda_backend::cudarc::driver::result::{device as gpus, mem_pool};
    use candle_core::cuda_backend::cudarc::driver::sys::CUmemPool_attribute;

    // Without this the driver unmaps what is free whenever the host waits for the GPU,
    // which is once a step, and maps it again.
    let mut keep = u64::MAX;
    let context = device.cuda_stream().context().clone();
    // SAFETY: the device is open, and the attribute is a number of 64 bits.
    unsafe {
        let pool = gpus::get_default_mem_pool(context.cu_device()).map_err(Error::wrap)?;
        mem_pool::set_attribute(
            pool,
            CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
            (&raw mut keep).cast(),
        )
        .map_err(Error::wrap)?;
    }
    // Two events for every tensor and one more for every use would tell streams apart.
    // SAFETY: the context is this device's own, and everything is made and used on this
    // one stream, but for what `Staging` copies; it orders the two itself.
    unsafe { device.disable_event_tracking() };
    Ok(())
}
