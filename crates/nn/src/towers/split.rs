//! From the layers of a network to those of each tower.

use std::ops::Range;

use ablate_ops::{ConvShape, PoolShape};
use candle_core::{Result, Tensor};

use super::Columns;
use crate::fused::{Buffers, Network};
use crate::node::{Affine, Node, Step};

/// Layers that a tower runs without looking at the others.
#[derive(Debug)]
pub(super) struct Segment {
    /// Which of the undivided network's nodes.
    pub nodes: Range<usize>,
    /// The nodes by tower.
    pub networks: Vec<Network>,
    /// How the towers' outputs lie side by side.
    pub columns: Columns,
}

/// Divides `nodes` among `towers`; `None` where the executor cannot run them.
pub(super) fn split(
    nodes: &[Node],
    gathers: &[usize],
    towers: usize,
    input_len: usize,
) -> Result<Option<Vec<Segment>>> {
    // Each tower with memory of its own, as a device has.
    let buffers: Vec<_> = (0..towers).map(|_| Buffers::default()).collect();
    let starts = std::iter::once(0).chain(gathers.iter().copied());
    let ends = gathers.iter().copied().chain([nodes.len()]);
    let mut segments = Vec::new();
    for (start, end) in starts.zip(ends) {
        let input_len = match start {
            0 => input_len,
            _ => nodes[start - 1].output_len(),
        };
        let mut networks = Vec::new();
        for (tower, buffers) in buffers.iter().enumerate() {
            let own = divide(&nodes[start..end], Tower { towers, tower })?;
            let output = own.last().map_or(Vec::new(), |last| last.output.clone());
            let Some(network) = Network::new(&own, input_len, output, buffers) else {
                return Ok(None);
            };
            networks.push(network);
        }
        segments.push(Segment {
            nodes: start..end,
            columns: Columns::of(networks.iter().map(Network::output_len)),
            networks,
        });
    }
    Ok(Some(segments))
}

/// One of several towers.
#[derive(Clone, Copy)]
struct Tower {
    towers: usize,
    tower: usize,
}

/// One tower's part of the layers of a segment.
fn divide(nodes: &[Node], tower: Tower) -> Result<Vec<Node>> {
    // A segment starts from values that every tower has.
    let mut apart = false;
    let mut own = Vec::with_capacity(nodes.len());
    for node in nodes {
        apart |= node.parameters().is_some();
        own.push(match apart {
            true => tower.part(node)?,
            false => node.clone(),
        });
    }
    Ok(own)
}

impl Tower {
    /// The tower's share of `len` channels or features.
    fn share(self, len: usize) -> Range<usize> {
        len * self.tower / self.towers..len * (self.tower + 1) / self.towers
    }

    /// The tower's part of one layer.
    fn part(self, node: &Node) -> Result<Node> {
        let mut output = node.output.clone();
        if let Some(channels) = output.first_mut() {
            *channels = self.share(*channels).len();
        }
        Ok(Node {
            name: node.name.clone(),
            step: self.step(&node.step)?,
            output,
        })
    }

    fn step(self, step: &Step) -> Result<Step> {
        Ok(match step {
            Step::Conv2d {
                shape,
                parameters,
                activation,
            } => Step::Conv2d {
                shape: self.convolution(shape),
                parameters: self.rows(parameters)?,
                activation: *activation,
            },
            Step::Linear {
                inputs,
                outputs,
                parameters,
                activation,
            } => Step::Linear {
                inputs: *inputs,
                outputs: self.share(*outputs).len(),
                parameters: self.rows(parameters)?,
                activation: *activation,
            },
            Step::LocalResponseNorm {
                lrn,
                groups,
                planes,
            } => Step::LocalResponseNorm {
                lrn: *lrn,
                groups: groups / self.towers,
                planes: *planes,
            },
            Step::MaxPool2d(shape) => Step::MaxPool2d(PoolShape {
                channels: shape.channels / self.towers,
                ..*shape
            }),
            Step::Activation(_) | Step::Dropout { .. } => step.clone(),
        })
    }

    fn convolution(self, shape: &ConvShape) -> ConvShape {
        let (in_channels, groups) = match shape.groups {
            1 => (shape.in_channels, 1),
            groups => (shape.in_channels / self.towers, groups / self.towers),
        };
        ConvShape {
            in_channels,
            groups,
            out_channels: self.share(shape.out_channels).len(),
            ..*shape
        }
    }

    /// The rows of the weight, and of the bias, that make the tower's outputs:
    /// views, which see every update.
    fn rows(self, parameters: &Affine) -> Result<Affine> {
        let rows = |tensor: &Tensor| -> Result<Tensor> {
            let share = self.share(tensor.dim(0)?);
            Ok(tensor.narrow(0, share.start, share.len())?.detach())
        };
        Ok(Affine {
            weight: rows(&parameters.weight)?,
            bias: rows(&parameters.bias)?,
        })
    }
}
