//! The candle operation around the executor.

use std::sync::Arc;

use ablate_core::Pass;
use candle_core::{Result, Shape, Tensor};

use super::execute::Backward;
use super::values::Floats;
use super::{LayerGradients, Network, Output, Trace, record};

/// Runs the network on images `[N, C, H, W]`; `trace` times both directions.
///
/// # Errors
/// A tensor that is not contiguous float32 on the CPU.
pub(crate) fn run(
    net: &Arc<Network>,
    images: &Tensor,
    pass: &Pass,
    trace: Option<Arc<Trace>>,
) -> Result<Tensor> {
    let images = images.contiguous()?;
    let keep = pass.stream().is_some() || images.track_op();
    let batch = images.dim(0)?;
    let mut output = vec![0.0; batch * net.output_len()];
    let saved = {
        let images = Floats::of(&images)?;
        net.forward(&images, pass, keep, &mut output, trace.as_deref())?
    };
    let shape = [&[batch], &net.output[..]].concat();
    if !keep {
        return Tensor::from_vec(output, shape, images.device());
    }
    let anchor = LayerGradients::anchor(&net.nodes)
        .unwrap_or(&images)
        .clone();
    let (net, pass) = (Arc::clone(net), pass.clone());
    let backward = move |images: &Tensor, output: &Tensor, grad_output: &Tensor| {
        let mut gradients = LayerGradients::zeros(&net.nodes);
        let grad_output = grad_output.contiguous()?;
        let (values, output) = (Floats::of(images)?, Floats::of(output)?);
        let grad_output = Floats::of(&grad_output)?;
        let mut grad_images = images.track_op().then(|| vec![0.0; values.len()]);
        let way_back = Backward {
            net: &net,
            saved: &saved,
            images: &values,
            output: &output,
            grad_output: &grad_output,
            trace: trace.as_deref(),
        };
        way_back.run(grad_images.as_deref_mut(), &mut gradients.slices())?;
        gradients.deposit(&net.nodes, &pass)?;
        let tensor = |gradient| Tensor::from_vec(gradient, images.shape(), images.device());
        grad_images.map(tensor).transpose()
    };
    let output = Output::Values(output, Shape::from(shape));
    record(&images, &anchor, output, backward)
}
