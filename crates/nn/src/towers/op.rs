//! The candle operation around the towers.

use std::sync::Arc;

use ablate_core::Pass;
use candle_core::{Result, Shape, Tensor};

use super::backward::WayBack;
use super::{Place, Towers};
use crate::fused::{Floats, LayerGradients, Output, record};

/// Runs the towers on images `[N, C, H, W]`.
///
/// # Errors
/// A tensor that is not contiguous float32 on the CPU.
pub(crate) fn run(
    towers: &Arc<Towers>,
    place: &Arc<Place>,
    images: &Tensor,
    pass: &Pass,
) -> Result<Tensor> {
    let images = images.contiguous()?;
    let keep = pass.stream().is_some() || images.track_op();
    let batch = images.dim(0)?;
    let mut output = vec![0.0; batch * towers.output_len()];
    let stages = {
        let images = Floats::of(&images)?;
        towers.forward(place, &images, pass, keep, &mut output)?
    };
    let shape = [&[batch], &towers.output[..]].concat();
    if !keep {
        return Tensor::from_vec(output, shape, images.device());
    }
    let anchor = LayerGradients::anchor(&towers.nodes).unwrap_or(&images);
    let anchor = anchor.clone();
    let (towers, place, pass) = (Arc::clone(towers), Arc::clone(place), pass.clone());
    let backward = move |images: &Tensor, _: &Tensor, grad_output: &Tensor| {
        let mut gradients = LayerGradients::zeros(&towers.nodes);
        let grad_output = grad_output.contiguous()?;
        let (values, grad_output) = (Floats::of(images)?, Floats::of(&grad_output)?);
        let mut grad_images = images.track_op().then(|| vec![0.0; values.len()]);
        let way_back = WayBack {
            towers: &towers,
            place: &place,
            stages: &stages,
            images: &values,
            grad_output: &grad_output,
            trains: pass.stream().is_some(),
        };
        way_back.run(grad_images.as_deref_mut(), &mut gradients)?;
        gradients.deposit(&towers.nodes, &pass)?;
        let tensor = |gradient| Tensor::from_vec(gradient, images.shape(), images.device());
        grad_images.map(tensor).transpose()
    };
    let output = Output::Values(output, Shape::from(shape));
    record(&images, &anchor, output, backward)
}
