//! A group of one.

use crate::{Group, Result};

/// A rank without others: it has nobody to tell, and is its own sum.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Group for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn tell(&self, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn hear(&self) -> Result<Vec<u8>> {
        Err(crate::Error::Gone(0))
    }

    fn report(&self, _: Vec<u8>) -> Result<()> {
        Err(crate::Error::Gone(0))
    }

    fn reports(&self) -> Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    fn sum(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        Ok(values)
    }
}
