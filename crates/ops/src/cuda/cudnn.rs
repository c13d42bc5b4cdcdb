//! The handle of cuDNN, the library that convolves on a GPU.

use std::cell::RefCell;
use std::sync::Arc;

use candle_core::cuda_backend::DeviceId;
use candle_core::cuda_backend::cudarc::cudnn::Cudnn;
use candle_core::{CudaDevice, Error, Result};

/// The handle for the stream of a device. It is kept for the next call on this
/// thread, for making one is slow; it cannot be shared between threads.
///
/// # Errors
/// The library does not start on this device.
pub(crate) fn cudnn(device: &CudaDevice) -> Result<Arc<Cudnn>> {
    thread_local! {
        static LAST: RefCell<Option<(DeviceId, Arc<Cudnn>)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some((id, handle)) if *id == device.id() => Ok(Arc::clone(handle)),
        _ => {
            let handle = Cudnn::new(device.cuda_stream()).map_err(Error::wrap)?;
            *last = Some((device.id(), Arc::clone(&handle)));
            Ok(handle)
        }
    })
}
