//! A [`Stack`] is a model as it stands: what a model plugin builds, unless it has
//! something of its own to add.

use ablate_core::{Exchanged, Model, ModelSummary, Pass, Result};
use candle_core::Tensor;

use crate::Stack;

impl Model for Stack {
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Tensor> {
        Ok(self.forward(images, pass)?)
    }

    fn features(&self, images: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.features(images)?)
    }

    fn summary(&self) -> ModelSummary {
        self.summary()
    }

    fn place(&mut self, workers: usize) -> Result<()> {
        self.place(workers)
    }

    fn take_exchanged(&self) -> Option<Exchanged> {
        self.take_exchanged()
    }

    fn first_convolution(&self) -> Option<String> {
        self.first_convolution()
    }

    fn towers(&self) -> usize {
        self.towers()
    }
}
