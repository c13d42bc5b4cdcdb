//! Values on their way to a GPU, which it copies while it computes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::cuda_backend::cudarc::driver::sys::CUevent_flags;
use candle_core::cuda_backend::cudarc::driver::{
    CudaEvent, CudaSlice, CudaStream, DriverError, PinnedHostSlice,
};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, Error, Storage, Tensor};

use super::output;

/// Copies to a GPU, by a stream of their own.
pub(crate) struct Copier {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    /// Memory that the GPU reaches and nobody uses now, the latest last.
    free: Mutex<Vec<PinnedHostSlice<f32>>>,
}

/// Pieces of free memory that are kept: of batches for training and evaluation, as many
/// as are made at once.
const KEPT: usize = 6;

impl Copier {
    /// # Errors
    /// The GPU has no room for another stream.
    pub fn new(device: &CudaDevice) -> Result<Self, Error> {
        let context = device.cuda_stream().context().clone();
        Ok(Self {
            device: device.clone(),
            stream: context.new_stream().map_err(Error::wrap)?,
            free: Mutex::default(),
        })
    }

    /// A tensor of the values that `fill` writes, and what else it returns.
    ///
    /// # Errors
    /// What `fill` raises, or there is not enough memory here or on the GPU.
    pub fn tensor<R, E: From<Error>>(
        &self,
        shape: &[usize],
        fill: impl FnOnce(&mut [f32]) -> Result<R, E>,
    ) -> Result<(Tensor, R), E> {
        let len = shape.iter().product();
        // Of the stream that computes, which frees it after its last use. It may be
        // memory that an earlier step on that stream has still to finish with: asked for
        // before it is filled, it is free when it has been.
        let mut values = output::<f32>(&self.device, len)?;
        let is_free = self.device.cuda_stream().record_event(None);
        let is_free = is_free.map_err(Error::wrap)?;
        let mut host = self.take(len).map_err(Error::wrap)?;
        let filled = fill(host.as_mut_slice().map_err(Error::wrap)?);
        let copied = filled.and_then(|found| {
            let copied = self.copy(&host, &mut values, &is_free);
            copied.map_err(Error::wrap)?;
            Ok(found)
        });
        self.keep(host);
        let found = copied?;
        let storage = CudaStorage::wrap_cuda_slice(values, self.device.clone());
        let none = BackpropOp::none();
        let tensor = Tensor::from_storage(Storage::Cuda(storage), shape, none, false);
        Ok((tensor, found))
    }

    /// Copies once `is_free` has come to pass, and returns when it is done.
    fn copy(
        &self,
        host: &PinnedHostSlice<f32>,
        values: &mut CudaSlice<f32>,
        is_free: &CudaEvent,
    ) -> Result<(), DriverError> {
        self.stream.wait(is_free)?;
        self.stream.memcpy_htod(host, values)?;
        // Whoever has the tensor need not wait for this stream, and this thread sleeps
        // meanwhile.
        let sleeping = Some(CUevent_flags::CU_EVENT_BLOCKING_SYNC);
        self.stream.record_event(sleeping)?.synchronize()
    }

    /// Memory for `len` values.
    fn take(&self, len: usize) -> Result<PinnedHostSlice<f32>, DriverError> {
        let mut free = self.free();
        if let Some(index) = free.iter().rposition(|memory| memory.len() == len) {
            return Ok(free.remove(index));
        }
        drop(free);
        let context = self.stream.context();
        // SAFETY: written below before anything reads it.
        let mut memory = unsafe { context.alloc_pinned_with_flags::<f32>(len, 0)? };
        let start = memory.as_mut_ptr()?;
        // SAFETY: the memory is of `len` values, whose bytes may all be zero.
        unsafe { start.write_bytes(0, len) };
        Ok(memory)
    }

    fn keep(&self, memory: PinnedHostSlice<f32>) {
        let mut free = self.free();
        if free.len() == KEPT {
            free.remove(0);
        }
        free.push(memory);
    }

    fn free(&self) -> MutexGuard<'_, Vec<PinnedHostSlice<f32>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
