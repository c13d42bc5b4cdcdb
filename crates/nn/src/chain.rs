//! The network as a chain of candle operations: any device, any gradient.
//!
//! Where the parameters are variables a training pass goes back over a tape of the
//! operations and hands their gradients to the [`Pass`]; where they come of other
//! operations, candle's graph has all of it.

use std::sync::Arc;

use ablate_core::Pass;
use ablate_ops::{
    Conv2dConfig, Tape, activation, conv2d, dropout, linear, local_response_norm, max_pool2d,
    reshape,
};
use candle_core::{Result, Shape, Tensor};

use crate::fused::{LayerGradients, Output, record};
use crate::node::{Affine, Node, Step};
use crate::precision::operands;

/// Applies the layers one after the other, and gives what becomes of images this shape.
///
/// # Errors
/// An operation does not support the device or the type.
pub(crate) fn run(nodes: &[Node], images: &Tensor, shape: Shape, pass: &Pass) -> Result<Tensor> {
    let mut x = images.clone();
    for node in nodes {
        x = apply(node, &x, pass)?;
    }
    reshape(&x, shape)
}

/// [`run`] as one operation of candle's graph, which deposits the gradients of the
/// parameters in `pass`. They must be variables or constants.
///
/// # Errors
/// As for [`run`].
pub(crate) fn run_noted(
    nodes: &Arc<[Node]>,
    images: &Tensor,
    shape: Shape,
    pass: &Pass,
) -> Result<Tensor> {
    let images = images.contiguous()?;
    let tape = Tape::of(&images, |images| run(nodes, images, shape, pass))?;
    let anchor = LayerGradients::anchor(nodes).unwrap_or(&images).clone();
    let output = tape.output().clone();
    let (nodes, pass) = (Arc::clone(nodes), pass.clone());
    let backward = move |images: &Tensor, _: &Tensor, grad_output: &Tensor| {
        let mut gradients = tape.backward(&grad_output.contiguous()?)?;
        for affine in nodes.iter().filter_map(Node::parameters) {
            for parameter in [&affine.weight, &affine.bias] {
                if let Some(gradient) = gradients.remove(&parameter.id()) {
                    pass.deposit(parameter, gradient)?;
                }
            }
        }
        Ok(gradients.remove(&images.id()))
    };
    record(&images, &anchor, Output::Tensor(output), backward)
}

fn apply(node: &Node, x: &Tensor, pass: &Pass) -> Result<Tensor> {
    match &node.step {
        Step::Conv2d {
            shape,
            parameters,
            activation,
        } => {
            let Affine { weight, bias } = tracked(parameters, pass);
            let config = Conv2dConfig {
                stride: shape.stride,
                padding: shape.padding,
                groups: shape.groups,
                activation: *activation,
                precision: operands(pass.precision()),
            };
            conv2d(x, &weight, Some(&bias), config)
        }
        Step::Linear {
            inputs,
            parameters,
            activation,
            ..
        } => {
            let Affine { weight, bias } = tracked(parameters, pass);
            let precision = operands(pass.precision());
            let rows = reshape(x, (x.dim(0)?, *inputs))?;
            linear(&rows, &weight, Some(&bias), *activation, precision)
        }
        Step::Activation(function) => activation(x, *function),
        Step::LocalResponseNorm { lrn, planes, .. } => {
            // The channels of each group, as though they were an image's.
            let count = x.elem_count() / (planes[0] * planes[1]);
            let groups = reshape(x, (count, planes[0], planes[1]))?;
            reshape(&local_response_norm(&groups, lrn)?, x.shape())
        }
        Step::MaxPool2d(shape) => max_pool2d(x, shape.kernel, shape.stride, shape.padding),
        Step::Dropout { rate } => match node.mask(pass, x.elem_count() / x.dim(0)?.max(1)) {
            Some(mask) => dropout(x, *rate, mask),
            None => Ok(x.clone()),
        },
    }
}

/// The parameters as this pass sees them: constants when it evaluates, so that
/// candle keeps nothing for a backward pass.
fn tracked(parameters: &Affine, pass: &Pass) -> Affine {
    match pass.stream() {
        Some(_) => parameters.clone(),
        None => Affine {
            weight: parameters.weight.detach(),
            bias: parameters.bias.detach(),
        },
    }
}
