//! Where batches are put together for the device that will compute with them.

use candle_core::{Device, Error, Tensor};

#[cfg(feature = "cuda")]
use crate::cuda::Copier;
use crate::on_large_pages;

/// Makes tensors on a device out of values that threads of the CPU write.
///
/// A GPU copies them by itself, out of memory it can reach and beside what it
/// computes. That memory is kept for what is made next; there is as much as was in use
/// at once.
pub struct Staging {
    device: Device,
    #[cfg(feature = "cuda")]
    copier: Option<Copier>,
}

impl Staging {
    /// For tensors on `device`, which [`gpu`](crate::gpu) opened if it is one.
    ///
    /// # Errors
    /// The GPU has no room for another stream.
    pub fn new(device: &Device) -> Result<Self, Error> {
        Ok(Self {
            #[cfg(feature = "cuda")]
            copier: match device {
                Device::Cuda(device) => Some(Copier::new(device)?),
                _ => None,
            },
            device: device.clone(),
        })
    }

    /// A float32 tensor of the values that `fill` writes, all of them, and what else
    /// `fill` returns. Where the tensor is on a GPU the call returns once it is there.
    ///
    /// # Errors
    /// What `fill` raises, or the device is out of memory.
    pub fn tensor<R, E: From<Error>>(
        &self,
        shape: &[usize],
        fill: impl FnOnce(&mut [f32]) -> Result<R, E>,
    ) -> Result<(Tensor, R), E> {
        let len = shape.iter().product();
        #[cfg(feature = "cuda")]
        if let Some(copier) = self.copier.as_ref().filter(|_| len > 0) {
            return copier.tensor(shape, fill);
        }
        let mut values = on_large_pages(vec![0.0; len]);
        let found = fill(&mut values)?;
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        Ok((tensor.to_device(&self.device)?, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_what_was_written() -> Result<(), Error> {
        let staging = Staging::new(&Device::Cpu)?;
        for shape in [[2, 3], [1, 1], [0, 3], [3, 700_001]] {
            let (tensor, last) = staging.tensor(&shape, |values| {
                let numbers = (0..).map(|number| number as f32);
                values.iter_mut().zip(numbers).for_each(|(to, n)| *to = n);
                Ok::<_, Error>(values.last().copied())
            })?;
            assert_eq!(tensor.dims(), shape);
            let found = tensor.flatten_all()?.to_vec1::<f32>()?;
            assert!((0..).zip(&found).all(|(n, found)| *found == n as f32));
            assert_eq!(last, found.last().copied());
        }
        Ok(())
    }

    #[test]
    fn what_goes_wrong_is_passed_on() -> Result<(), Error> {
        let staging = Staging::new(&Device::Cpu)?;
        let found = staging.tensor(&[2], |_| Err::<(), _>(Error::Msg("no image".to_string())));
        assert_eq!(
            found.err().map(|e| e.to_string()),
            Some("no image".to_string())
        );
        Ok(())
    }
}
