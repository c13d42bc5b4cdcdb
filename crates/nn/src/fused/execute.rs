//! Both directions of a network over plain slices, without candle around them.

use ablate_core::Pass;
use ablate_ops::Precision;
use candle_core::Result;

use super::Direction;
use super::maps::Maps;
use super::maps_backward::MapsBackward;
use super::rows::Rows;
use super::values::{Locked, Saved};
use super::{Network, Trace};
use crate::precision::operands;

impl Network {
    /// Takes `batch` images, `[N, ...]`, through the layers; `output` is
    /// overwritten. Where `keep` is set, what a backward pass needs is kept.
    ///
    /// # Errors
    /// A parameter that is not contiguous float32 on the CPU.
    pub fn forward(
        &self,
        images: &[f32],
        pass: &Pass,
        keep: bool,
        output: &mut [f32],
        trace: Option<&Trace>,
    ) -> Result<Saved> {
        let batch = output.len() / self.output_len();
        let locked = Locked::all(&self.nodes)?;
        let parameters = locked.slices();
        let precision = operands(pass.precision());
        let lent = self
            .conv_plans
            .pack(&self.nodes, &parameters, precision, Direction::Forward)?;
        let mut saved = Saved::new(batch, precision, self.masks(pass));
        let maps = Maps {
            net: self,
            parameters: &parameters,
            convs: &lent.plans,
            keep,
            trace,
        };
        if !self.has_rows() {
            maps.run(images, output, &mut saved);
            return Ok(saved);
        }
        let mut features = self
            .buffers
            .rows
            .take(batch * self.input_len_of(self.plan.maps));
        if self.has_maps() {
            maps.run(images, &mut features, &mut saved);
        } else {
            features.copy_from_slice(images);
        }
        let rows = Rows {
            net: self,
            parameters: &parameters,
            precision,
            trace,
        };
        rows.forward(features, output, keep, &mut saved);
        Ok(saved)
    }
}

/// A pass on its way back. What was saved is only read: it can be gone twice.
pub(crate) struct Backward<'a> {
    pub net: &'a Network,
    pub saved: &'a Saved,
    /// What the forward pass was given, `[N, ...]`.
    pub images: &'a [f32],
    /// What the forward pass made of it, `[N, ...]`.
    pub output: &'a [f32],
    /// The gradient of the loss with respect to `output`.
    pub grad_output: &'a [f32],
    pub trace: Option<&'a Trace>,
}

impl Backward<'_> {
    /// Overwrites `gradients`, of weight and bias by node, and `grad_images`.
    ///
    /// # Errors
    /// A parameter that is not contiguous float32 on the CPU.
    pub fn run(
        &self,
        mut grad_images: Option<&mut [f32]>,
        gradients: &mut [[&mut [f32]; 2]],
    ) -> Result<()> {
        let net = self.net;
        let precision = self.saved.precision;
        let locked = Locked::all(&net.nodes)?;
        let parameters = locked.slices();
        let rows = Rows {
            net,
            parameters: &parameters,
            precision,
            trace: self.trace,
        };
        let grad_features = match net.has_rows() {
            true => {
                let ends = [self.output, self.grad_output];
                rows.backward(self.saved, ends, grad_images.is_some(), gradients)
            }
            false => None,
        };
        if net.has_maps() {
            let lent =
                net.conv_plans
                    .pack(&net.nodes, &parameters, precision, Direction::Backward)?;
            let maps = MapsBackward {
                net,
                convs: &lent.plans,
                saved: self.saved,
                images: self.images,
                together: blocks_together(precision),
                trace: self.trace,
            };
            let from = grad_features.as_deref().unwrap_or(self.grad_output);
            maps.run(from, grad_images, &mut gradients[..net.plan.maps]);
        } else if let (Some(images), Some(features)) = (&mut grad_images, &grad_features) {
            images.copy_from_slice(features);
        }
        Ok(())
    }
}

/// Blocks of images that go back through the layers side by side. The weight
/// gradient of convolutions pairs the images of two blocks in bfloat16.
fn blocks_together(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 1,
        Precision::Bf16 => 2,
    }
}
