//! The network as a chain of candle operations: any device, any gradient.

use ablate_core::Pass;
use ablate_ops::{
    Conv2dConfig, activation, conv2d, dropout, linear, local_response_norm, max_pool2d,
};
use candle_core::{Result, Tensor};

use crate::node::{Affine, Node, Step};
use crate::precision::operands;

/// Applies the layers one after the other.
///
/// # Errors
/// An operation does not support the device or the type.
pub(crate) fn run(nodes: &[Node], images: &Tensor, pass: &Pass) -> Result<Tensor> {
    let mut x = images.clone();
    for node in nodes {
        x = apply(node, &x, pass)?;
    }
    Ok(x)
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
            parameters,
            activation,
            ..
        } => {
            let Affine { weight, bias } = tracked(parameters, pass);
            let precision = operands(pass.precision());
            linear(
                &x.flatten_from(1)?,
                &weight,
                Some(&bias),
                *activation,
                precision,
            )
        }
        Step::Activation(function) => activation(x, *function),
        Step::LocalResponseNorm { lrn, planes, .. } => {
            // The channels of each group, as though they were an image's.
            let groups = x.reshape(((), planes[0], planes[1]))?;
            local_response_norm(&groups, lrn)?.reshape(x.shape())
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
