//! The layers of a built network: sizes checked, parameters at hand.

use ablate_core::{LayerSummary, Pass};
use ablate_ops::{Activation, ConvShape, Lrn, Mask, PoolShape};
use candle_core::Tensor;

/// One step of the computation; an activation is fused into the layer it
/// follows.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Parameter prefix, random stream, or a number.
    pub name: String,
    pub step: Step,
    /// Shape of one image's output.
    pub output: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Conv2d {
        shape: ConvShape,
        parameters: Affine,
        activation: Activation,
    },
    Linear {
        inputs: usize,
        outputs: usize,
        parameters: Affine,
        activation: Activation,
    },
    Activation(Activation),
    LocalResponseNorm {
        lrn: Lrn,
        /// Towers whose channels do not see each other.
        groups: usize,
        /// Channels of each group, and pixels of one image.
        planes: [usize; 2],
    },
    MaxPool2d(PoolShape),
    Dropout {
        rate: f64,
    },
}

/// The learned tensors of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Affine {
    pub weight: Tensor,
    pub bias: Tensor,
}

impl Node {
    /// Values of one image's output.
    pub fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// The dropout mask of a layer with this name in `pass`, given the values of one
    /// image there. `None` where the pass drops nothing.
    pub fn mask(&self, pass: &Pass, values_an_image: usize) -> Option<Mask> {
        let stream = pass.stream()?;
        Some(Mask {
            key: stream.named(&self.name).key(),
            first: pass.first_image() * values_an_image,
        })
    }

    /// The learned tensors, where the layer has any.
    pub fn parameters(&self) -> Option<&Affine> {
        match &self.step {
            Step::Conv2d { parameters, .. } | Step::Linear { parameters, .. } => Some(parameters),
            _ => None,
        }
    }

    /// Learned numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters().map_or(0, |affine| {
            affine.weight.elem_count() + affine.bias.elem_count()
        })
    }

    /// The non-linearity the layer ends with.
    pub fn activation(&self) -> Activation {
        match self.step {
            Step::Conv2d { activation, .. }
            | Step::Linear { activation, .. }
            | Step::Activation(activation) => activation,
            _ => Activation::Identity,
        }
    }

    /// The line of [`ablate_core::ModelSummary`].
    pub fn summary(&self) -> LayerSummary {
        LayerSummary {
            name: self.name.clone(),
            operation: self.operation(),
            output: self.output.clone(),
            parameters: self.parameter_count(),
            multiply_adds: match &self.step {
                Step::Conv2d { shape, .. } => shape.multiply_adds() as u64,
                Step::Linear {
                    inputs, outputs, ..
                } => (inputs * outputs) as u64,
                _ => 0,
            },
        }
    }

    fn operation(&self) -> String {
        let then = |activation: &Activation| match activation {
            Activation::Identity => String::new(),
            Activation::Relu => " + relu".to_string(),
            Activation::Tanh => " + tanh".to_string(),
        };
        match &self.step {
            Step::Conv2d {
                shape, activation, ..
            } => {
                let [height, width] = shape.kernel;
                let groups = in_groups(shape.groups);
                let (stride, fused) = (shape.stride[0], then(activation));
                format!("conv {height}x{width}/{stride}{groups}{fused}")
            }
            Step::Linear { activation, .. } => format!("linear{}", then(activation)),
            Step::Activation(activation) => format!("{activation:?}").to_lowercase(),
            Step::LocalResponseNorm { lrn, groups, .. } => {
                format!("response norm over {}{}", lrn.size, in_groups(*groups))
            }
            Step::MaxPool2d(pool) => format!("max-pool {}/{}", pool.kernel[0], pool.stride[0]),
            Step::Dropout { rate } => format!("dropout {rate}"),
        }
    }
}

fn in_groups(groups: usize) -> String {
    match groups {
        1 => String::new(),
        groups => format!(", {groups} groups"),
    }
}
