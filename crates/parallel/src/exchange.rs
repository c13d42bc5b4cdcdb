//! Sums of tensors over ranks, for which ranks exchange one long row of values.

use candle_core::{Device, Tensor};

#[cfg(feature = "nccl")]
use crate::nccl::Nccl;
#[cfg(feature = "nccl")]
use crate::row::sum_row;
use crate::{Group, Result};

/// A rank's part in the sums of a trial, whose tensors lie on one device.
#[derive(Debug)]
pub struct Exchange<'a> {
    group: &'a dyn Group,
    #[cfg(feature = "nccl")]
    gpus: Option<Nccl>,
}

impl<'a> Exchange<'a> {
    /// The ranks of `group`, whose values go through the host.
    pub fn new(group: &'a dyn Group) -> Self {
        Self {
            group,
            #[cfg(feature = "nccl")]
            gpus: None,
        }
    }

    /// Opens the shortest way between the devices of all ranks, of which this one's
    /// tensors lie on `device`. Every rank calls it at once.
    ///
    /// GPUs of a build with the feature `nccl` exchange values between each other from
    /// then on; anything else goes on through the host.
    ///
    /// # Errors
    /// A rank is gone, or the GPUs cannot be joined.
    #[cfg_attr(not(feature = "nccl"), expect(unused_variables))]
    pub fn join(&mut self, device: &Device) -> Result<()> {
        #[cfg(feature = "nccl")]
        {
            self.gpus = Nccl::join(self.group, device)?;
        }
        Ok(())
    }

    /// Each tensor's sum over all ranks, which give float32 tensors of the same shapes
    /// in the same order: the same bits on every rank and with every kind of group,
    /// added up as [`halves`](crate::halves) says. One exchange for all costs the time
    /// to begin one once.
    ///
    /// # Errors
    /// A rank is gone, or gives tensors of other sizes.
    pub fn sum(&self, tensors: &[Tensor]) -> Result<Vec<Tensor>> {
        let Some(first) = tensors.first().filter(|_| self.group.size() > 1) else {
            return Ok(tensors.to_vec());
        };
        let len = tensors.iter().map(Tensor::elem_count).sum();
        #[cfg(feature = "nccl")]
        if let Some(gpus) = &self.gpus {
            return parts(&sum_row(gpus, self.group, &row(tensors)?)?, tensors);
        }
        let mut values = Vec::with_capacity(len);
        for tensor in tensors {
            values.extend_from_slice(&tensor.flatten_all()?.to_vec1::<f32>()?);
        }
        let sum = Tensor::from_vec(self.group.sum(values)?, len, &Device::Cpu)?;
        parts(&sum.to_device(first.device())?, tensors)
    }
}

/// All values of the tensors, one after the other.
#[cfg(feature = "nccl")]
fn row(tensors: &[Tensor]) -> Result<Tensor> {
    let flat = tensors.iter().map(Tensor::flatten_all);
    let flat: Vec<Tensor> = flat.collect::<candle_core::Result<_>>()?;
    Ok(Tensor::cat(&flat, 0)?)
}

/// Tensors of the shapes of `like`, as views into one, so that nothing is copied.
fn parts(row: &Tensor, like: &[Tensor]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let part = |like: &Tensor| {
        let part = row.narrow(0, start, like.elem_count())?;
        start += like.elem_count();
        Ok(part.reshape(like.shape())?)
    };
    like.iter().map(part).collect()
}
