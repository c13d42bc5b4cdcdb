//! From the table to layers of known sizes: every check a network can fail.

use std::collections::HashSet;

use ablate_core::{Error, Result};
use ablate_ops::{Activation, ConvShape, Lrn, PoolShape};
use candle_nn::VarBuilder;

use crate::division::Division;
use crate::layer::Layer;
use crate::node::{Affine, Node, Step};
use crate::{Conv2d, LayerInit, MaxPool2d};

/// A table with its shapes resolved.
pub(crate) struct Resolved {
    pub nodes: Vec<Node>,
    /// Shape of one image's output.
    pub output: Vec<usize>,
    pub features: Option<Features>,
    /// Towers whose values lie apart; 1 where nothing is divided.
    pub towers: usize,
    /// Nodes that look at the values of all towers, which lie apart before them.
    pub gathers: Vec<usize>,
}

/// The values marked as features.
pub(crate) struct Features {
    /// How many nodes come before them.
    pub nodes: usize,
    /// Their shape for one image.
    pub shape: Vec<usize>,
}

/// Follows the shape of one image through the table, divided among `towers`,
/// and takes each layer's parameters.
///
/// # Errors
/// The first layer that does not fit what reaches it.
pub(crate) fn resolve(
    table: &[Layer],
    input: [usize; 3],
    towers: usize,
    parameters: &VarBuilder,
) -> Result<Resolved> {
    let mut walk = Walk {
        nodes: Vec::new(),
        features: None,
        names: HashSet::new(),
        shape: input.to_vec(),
        fusable: false,
        division: Division::new(towers),
        parameters,
    };
    if input.contains(&0) {
        return Err(Error::bad_value(
            "input",
            format!("images of shape {input:?} are empty"),
            "give images at least one channel and one pixel",
        ));
    }
    for layer in table {
        walk.layer(layer)?;
    }
    if walk.nodes.is_empty() {
        return Err(Error::Other(
            "a network needs at least one layer".to_string(),
        ));
    }
    Ok(Resolved {
        nodes: walk.nodes,
        output: walk.shape,
        features: walk.features,
        towers,
        gathers: walk.division.finish()?,
    })
}

struct Walk<'a> {
    nodes: Vec<Node>,
    features: Option<Features>,
    /// Names of parameters and random streams so far.
    names: HashSet<String>,
    /// What one image has become so far.
    shape: Vec<usize>,
    /// Whether an activation may be fused into the last node.
    fusable: bool,
    division: Division,
    parameters: &'a VarBuilder<'a>,
}

impl Walk<'_> {
    fn layer(&mut self, layer: &Layer) -> Result<()> {
        let fusable = std::mem::take(&mut self.fusable);
        match layer {
            Layer::Conv2d { name, conv, init } => self.conv2d(name, *conv, *init),
            Layer::Linear {
                name,
                outputs,
                init,
            } => self.linear(name, *outputs, *init),
            Layer::Activation(activation) => {
                self.activation(*activation, fusable);
                Ok(())
            }
            Layer::LocalResponseNorm(lrn) => self.local_response_norm(*lrn),
            Layer::MaxPool2d(pool) => self.max_pool2d(*pool),
            Layer::Dropout { name, rate } => self.dropout(name, *rate),
            Layer::Flatten => {
                self.shape = vec![self.shape.iter().product()];
                Ok(())
            }
            Layer::Features => {
                self.features = Some(Features {
                    nodes: self.nodes.len(),
                    shape: self.shape.clone(),
                });
                Ok(())
            }
        }
    }

    fn push(&mut self, name: impl Into<String>, step: Step, output: Vec<usize>) {
        self.shape.clone_from(&output);
        self.nodes.push(Node {
            name: name.into(),
            step,
            output,
        });
    }

    fn conv2d(&mut self, name: &str, conv: Conv2d, init: LayerInit) -> Result<()> {
        self.claim(name)?;
        let [channels, height, width] = self.maps(name)?;
        let shape = ConvShape::new(
            [channels, conv.kernels],
            conv.groups,
            [conv.size; 2],
            [conv.stride; 2],
            [conv.padding; 2],
            [height, width],
        )
        .map_err(|problem| {
            Error::bad_value(
                name,
                format!("{problem}; its input is {channels}x{height}x{width}"),
                "use larger images, a smaller kernel, more padding, or less stride and pooling \
                 before this layer; channels must divide by the groups",
            )
        })?;
        self.division
            .conv2d(name, self.nodes.len(), conv.groups, conv.kernels)?;
        let dims = [
            conv.kernels,
            shape.group_inputs(),
            shape.kernel[0],
            shape.kernel[1],
        ];
        let [out_height, out_width] = shape.output();
        let step = Step::Conv2d {
            shape,
            parameters: self.affine(name, &dims, init)?,
            activation: Activation::Identity,
        };
        self.push(name, step, vec![conv.kernels, out_height, out_width]);
        self.fusable = true;
        Ok(())
    }

    fn linear(&mut self, name: &str, outputs: usize, init: LayerInit) -> Result<()> {
        self.claim(name)?;
        let [inputs] = self.shape[..] else {
            return Err(Error::bad_value(
                name,
                format!(
                    "a linear layer cannot follow maps of shape {:?}",
                    self.shape
                ),
                "put `.flatten()` before it",
            ));
        };
        if outputs == 0 {
            return Err(Error::bad_value(
                name,
                "a linear layer without outputs computes nothing",
                "give it at least 1",
            ));
        }
        self.division.linear(name, self.nodes.len(), outputs)?;
        let step = Step::Linear {
            inputs,
            outputs,
            parameters: self.affine(name, &[outputs, inputs], init)?,
            activation: Activation::Identity,
        };
        self.push(name, step, vec![outputs]);
        self.fusable = true;
        Ok(())
    }

    fn activation(&mut self, function: Activation, fusable: bool) {
        if let Some(Node {
            step: Step::Conv2d { activation, .. } | Step::Linear { activation, .. },
            ..
        }) = self.nodes.last_mut()
            && fusable
        {
            *activation = function;
        } else {
            let shape = self.shape.clone();
            self.push(self.number(), Step::Activation(function), shape);
        }
    }

    fn local_response_norm(&mut self, lrn: Lrn) -> Result<()> {
        let name = self.number();
        let [channels, height, width] = self.maps("local_response_norm")?;
        lrn.check().map_err(|problem| {
            Error::bad_value(
                "local_response_norm",
                problem,
                "the paper has size 5, alpha 1e-4, beta 0.75, k 2",
            )
        })?;
        let groups = self.division.response_groups();
        let step = Step::LocalResponseNorm {
            lrn,
            groups,
            planes: [channels / groups, height * width],
        };
        self.push(name, step, vec![channels, height, width]);
        Ok(())
    }

    fn max_pool2d(&mut self, pool: MaxPool2d) -> Result<()> {
        let name = self.number();
        let [channels, height, width] = self.maps("max_pool2d")?;
        let after = self.nodes.last().map_or("the input", |node| &node.name);
        let shape = PoolShape::new(
            channels,
            [pool.size; 2],
            [pool.stride; 2],
            [pool.padding; 2],
            [height, width],
        )
        .map_err(|problem| {
            Error::bad_value(
                format!("max_pool2d after {after}"),
                format!("{problem}; its input is {channels}x{height}x{width}"),
                "use larger images, or less stride and pooling before this layer",
            )
        })?;
        let [out_height, out_width] = shape.output();
        self.push(
            name,
            Step::MaxPool2d(shape),
            vec![channels, out_height, out_width],
        );
        Ok(())
    }

    fn dropout(&mut self, name: &str, rate: f64) -> Result<()> {
        self.claim(name)?;
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::bad_value(
                name,
                format!("dropout cannot drop a fraction {rate}"),
                "give a rate in 0..1; 0 turns it off",
            ));
        }
        self.division
            .dropout(name, self.nodes.len(), self.shape.len() == 1)?;
        let shape = self.shape.clone();
        self.push(name, Step::Dropout { rate }, shape);
        Ok(())
    }

    /// Refuses a name that another layer has: two layers would share parameters,
    /// or drop the same places.
    fn claim(&mut self, name: &str) -> Result<()> {
        match self.names.insert(name.to_string()) {
            true => Ok(()),
            false => Err(Error::bad_value(
                name,
                "two layers have this name",
                "give each layer a name of its own",
            )),
        }
    }

    /// The current shape as maps `[C, H, W]`.
    fn maps(&self, layer: &str) -> Result<[usize; 3]> {
        <[usize; 3]>::try_from(self.shape.as_slice()).map_err(|_| {
            Error::bad_value(
                layer,
                "it works on maps [C, H, W], but its input is flat",
                "put it before `.flatten()` and the linear layers",
            )
        })
    }

    fn affine(&self, name: &str, weight: &[usize], init: LayerInit) -> Result<Affine> {
        let parameters = self.parameters.pp(name);
        let init = init.of_layer(weight[1..].iter().product());
        Ok(Affine {
            weight: parameters.get_with_hints(weight, "weight", init.weight)?,
            bias: parameters.get_with_hints(weight[0], "bias", init.bias)?,
        })
    }

    /// The name of a layer that has no parameters: its place in the network.
    fn number(&self) -> String {
        format!("{}", self.nodes.len())
    }
}
