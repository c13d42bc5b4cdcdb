//! The candle operation around the executor.

use std::sync::{Arc, Mutex};

use ablate_core::Pass;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::conv_plans::Direction;
use super::maps::Maps;
use super::maps_backward::MapsBackward;
use super::rows::Rows;
use super::values::{Floats, Locked, Saved};
use super::{Network, Trace};
use crate::node::Node;

const NAME: &str = "network";

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
    let (output, saved) = forward(net, &images, pass, keep, trace.as_deref())?;
    let shape = [&[batch], &net.output[..]].concat();
    if !keep {
        return Tensor::from_vec(output, shape, images.device());
    }
    // candle records an operation only if an argument is tracked, and passes on
    // gradients of the arguments alone. So the first parameter stands for all
    // of them; their gradients go to `pass`.
    let anchor = net.nodes.iter().find_map(Node::parameters);
    let anchor = anchor.map_or(&images, |affine| &affine.weight);
    images.apply_op2(
        anchor,
        Record {
            net: Arc::clone(net),
            pass: pass.clone(),
            output: Mutex::new(Some(output)),
            shape: Shape::from(shape),
            saved,
            trace,
        },
    )
}

fn forward(
    net: &Network,
    images: &Tensor,
    pass: &Pass,
    keep: bool,
    trace: Option<&Trace>,
) -> Result<(Vec<f32>, Saved)> {
    let batch = images.dim(0)?;
    let images = Floats::of(images)?;
    let locked = Locked::all(&net.nodes)?;
    let parameters = locked.slices();
    let lent = net
        .conv_plans
        .pack(&net.nodes, &parameters, Direction::Forward)?;
    let mut saved = Saved::new(batch, net.keys(pass));
    let maps = Maps {
        net,
        parameters: &parameters,
        convs: &lent.plans,
        keep,
        trace,
    };
    let mut output = vec![0.0; batch * net.output_len()];
    if !net.has_rows() {
        maps.run(&images, &mut output, &mut saved);
        return Ok((output, saved));
    }
    let mut features = net
        .buffers
        .rows
        .take(batch * net.input_len_of(net.plan.maps));
    if net.has_maps() {
        maps.run(&images, &mut features, &mut saved);
    } else {
        features.copy_from_slice(&images);
    }
    let rows = Rows {
        net,
        parameters: &parameters,
        trace,
    };
    rows.forward(features, &mut output, keep, &mut saved);
    Ok((output, saved))
}

/// A forward pass in candle's graph; the saved buffers go back when it is dropped.
struct Record {
    net: Arc<Network>,
    pass: Pass,
    /// Taken by candle when the operation is recorded.
    output: Mutex<Option<Vec<f32>>>,
    shape: Shape,
    saved: Saved,
    trace: Option<Arc<Trace>>,
}

impl CustomOp2 for Record {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        // Computed before candle was asked, so that no lock was held meanwhile.
        let output = self.output.lock().ok().and_then(|mut output| output.take());
        match output {
            Some(output) => Ok((CpuStorage::F32(output), self.shape.clone())),
            None => bail!("{NAME}: a recorded pass cannot be run again"),
        }
    }

    fn bwd(
        &self,
        images: &Tensor,
        _: &Tensor,
        output: &Tensor,
        grad_output: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients: Vec<_> = self.net.nodes.iter().map(zeros).collect();
        let grad_images = self.backward(images, output, grad_output, &mut gradients)?;
        for (node, [gw, gb]) in self.net.nodes.iter().zip(gradients) {
            if let Some(affine) = node.parameters() {
                self.deposit(&affine.weight, gw)?;
                self.deposit(&affine.bias, gb)?;
            }
        }
        Ok((grad_images, None))
    }
}

impl Record {
    /// Overwrites `gradients`, by node, and returns that of the images if they
    /// are tracked. What was saved is only read: candle may come twice.
    fn backward(
        &self,
        images: &Tensor,
        output: &Tensor,
        grad_output: &Tensor,
        gradients: &mut [[Vec<f32>; 2]],
    ) -> Result<Option<Tensor>> {
        let net = &*self.net;
        let grad_output = grad_output.contiguous()?;
        let (values, output) = (Floats::of(images)?, Floats::of(output)?);
        let grad_output = Floats::of(&grad_output)?;
        let locked = Locked::all(&net.nodes)?;
        let parameters = locked.slices();
        let trace = self.trace.as_deref();
        let rows = Rows {
            net,
            parameters: &parameters,
            trace,
        };
        let grad_features = match net.has_rows() {
            true => {
                let ends = [&*output, &*grad_output];
                rows.backward(&self.saved, ends, images.track_op(), gradients)
            }
            false => None,
        };
        let mut grad_images = images.track_op().then(|| vec![0.0; values.len()]);
        if net.has_maps() {
            let lent = net
                .conv_plans
                .pack(&net.nodes, &parameters, Direction::Backward)?;
            let maps = MapsBackward {
                net,
                convs: &lent.plans,
                saved: &self.saved,
                images: &values,
                trace,
            };
            let from = grad_features.as_deref().unwrap_or(&grad_output);
            let of_maps = &mut gradients[..net.plan.maps];
            maps.run(from, grad_images.as_deref_mut(), of_maps);
        } else if let (Some(images), Some(features)) = (&mut grad_images, &grad_features) {
            images.copy_from_slice(features);
        }
        let tensor = |gradient| Tensor::from_vec(gradient, images.shape(), images.device());
        grad_images.map(tensor).transpose()
    }

    fn deposit(&self, parameter: &Tensor, gradient: Vec<f32>) -> Result<()> {
        let gradient = Tensor::from_vec(gradient, parameter.shape(), parameter.device())?;
        self.pass.deposit(parameter, gradient)
    }
}

/// Room for the gradients of a layer's weight and bias.
fn zeros(node: &Node) -> [Vec<f32>; 2] {
    match node.parameters() {
        Some(affine) => [&affine.weight, &affine.bias].map(|p| vec![0.0; p.elem_count()]),
        None => [Vec::new(), Vec::new()],
    }
}
