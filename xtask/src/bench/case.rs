//! What is timed: one list for all implementations.

use ablate_core::Precision;
use ablate_runner::DeviceName;
use serde::{Deserialize, Serialize};

use super::measure::Measured;
use super::network::Network;

/// One thing to time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What the table calls it.
    pub name: String,
    /// Which pass of it.
    pub pass: Pass,
    /// What convolutions and linear layers multiply.
    pub precision: Precision,
    /// Where it computes.
    pub device: DeviceName,
    /// Images, or rows of a matrix.
    pub batch: usize,
    /// Shape of one image.
    pub input: Vec<usize>,
    /// What happens to them.
    pub work: Work,
}

/// A pass through an operator or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pass {
    /// The output.
    #[serde(rename = "forward")]
    Forward,
    /// The gradients of an operator, given those of its output.
    #[serde(rename = "backward")]
    Backward,
    /// Forward, loss, backward and the update of a network.
    #[serde(rename = "training step")]
    TrainingStep,
}

impl Pass {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::TrainingStep => "training step",
        }
    }
}

/// An operator or a network. All windows are square.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// A convolution with bias.
    Conv2d {
        filters: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        groups: usize,
    },
    /// A fully connected layer with bias.
    Linear { outputs: usize },
    /// Max-pooling.
    MaxPool2d {
        kernel: usize,
        stride: usize,
        padding: usize,
    },
    /// Local response normalisation with the paper's alpha.
    ResponseNorm {
        size: usize,
        alpha: f64,
        beta: f64,
        k: f64,
    },
    /// A whole network.
    Network { network: Network, classes: usize },
}

impl Work {
    /// The precisions it can be done in.
    fn precisions(&self) -> &'static [Precision] {
        match self {
            Self::Conv2d { .. } | Self::Linear { .. } | Self::Network { .. } => &PRECISIONS,
            Self::MaxPool2d { .. } | Self::ResponseNorm { .. } => &[Precision::F32],
        }
    }
}

impl Case {
    /// Multiply-adds of the pass; 0 where they are not what it spends time on.
    pub fn multiply_adds(&self) -> f64 {
        let forward = match &self.work {
            Work::Conv2d {
                filters,
                kernel,
                stride,
                padding,
                groups,
                ..
            } => {
                let out = (self.input[1] + 2 * padding - kernel) / stride + 1;
                filters * (self.input[0] / groups) * kernel * kernel * out * out
            }
            Work::Linear { outputs } => self.input[0] * outputs,
            _ => 0,
        };
        let times = match self.pass {
            Pass::Backward if !self.sees_image() => 2,
            _ => 1,
        };
        (times * forward * self.batch) as f64
    }

    /// Whether it works on the image itself, whose gradient nobody wants.
    pub fn sees_image(&self) -> bool {
        self.input[0] == 3
    }

    /// Whether it is a network and not an operator.
    pub fn is_network(&self) -> bool {
        matches!(self.work, Work::Network { .. })
    }

    /// Whether it is a plain matrix product.
    pub fn is_gemm(&self) -> bool {
        gemms(self.precision).contains(self)
    }

    /// Whether the measurement is one of this case.
    pub fn is_of(&self, measured: &Measured) -> bool {
        (&self.name, self.pass, self.precision)
            == (&measured.name, measured.pass, measured.precision)
    }
}

/// The two precisions, in the order of tables.
pub const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// What tables call a precision.
pub fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "float32",
        Precision::Bf16 => "bfloat16",
    }
}

/// The cases, in groups that share a process.
pub fn groups(quick: bool) -> Vec<Vec<Case>> {
    let mut groups = vec![operators(quick)];
    for network in Network::ALL {
        for pass in [Pass::Forward, Pass::TrainingStep] {
            for precision in PRECISIONS {
                groups.push(vec![network.case(pass, precision, quick)]);
            }
        }
    }
    groups
}

/// The matrix products that layers are compared with, `[N, K]` by `[K, M]`: no
/// one size is the fastest for all.
pub fn gemms(precision: Precision) -> [Case; 2] {
    [[2048, 2048, 2048], [512, 4096, 4096]].map(|[n, k, m]| Case {
        name: format!("product {n}x{k}x{m}"),
        pass: Pass::Forward,
        precision,
        device: DeviceName::Cpu,
        batch: n,
        input: vec![k],
        work: Work::Linear { outputs: m },
    })
}

fn operators(quick: bool) -> Vec<Case> {
    let mut cases: Vec<_> = PRECISIONS.into_iter().flat_map(gemms).collect();
    let alexnet = [
        ("conv1", vec![3, 224, 224], conv(96, 11, 4, 2, 1)),
        ("norm1", vec![96, 55, 55], norm(5, 1e-4, 2.0)),
        ("pool1", vec![96, 55, 55], pool(0)),
        ("conv2", vec![96, 27, 27], conv(256, 5, 1, 2, 2)),
        ("norm2", vec![256, 27, 27], norm(5, 1e-4, 2.0)),
        ("pool2", vec![256, 27, 27], pool(0)),
        ("conv3", vec![256, 13, 13], conv(384, 3, 1, 1, 1)),
        ("conv4", vec![384, 13, 13], conv(384, 3, 1, 1, 2)),
        ("conv5", vec![384, 13, 13], conv(256, 3, 1, 1, 2)),
        ("pool5", vec![256, 13, 13], pool(0)),
        ("linear6", vec![9216], Work::Linear { outputs: 4096 }),
    ];
    let convnet = [
        ("conv1", vec![3, 32, 32], conv(32, 5, 1, 2, 1)),
        ("norm1", vec![32, 32, 32], norm(3, 5e-5, 1.0)),
        ("pool1", vec![32, 32, 32], pool(1)),
        ("conv2", vec![32, 16, 16], conv(32, 5, 1, 2, 1)),
        ("conv3", vec![32, 8, 8], conv(64, 5, 1, 2, 1)),
    ];
    let alexnet = alexnet.map(|layer| (Network::Alexnet, layer));
    let convnet = convnet.map(|layer| (Network::Convnet, layer));
    for (network, (layer, input, work)) in alexnet.into_iter().chain(convnet) {
        for pass in [Pass::Forward, Pass::Backward] {
            for precision in work.precisions() {
                cases.push(Case {
                    name: format!("{} {layer}", network.name()),
                    pass,
                    precision: *precision,
                    device: DeviceName::Cpu,
                    batch: network.batch(quick),
                    input: input.clone(),
                    work: work.clone(),
                });
            }
        }
    }
    cases
}

fn conv(filters: usize, kernel: usize, stride: usize, padding: usize, groups: usize) -> Work {
    Work::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        groups,
    }
}

fn pool(padding: usize) -> Work {
    Work::MaxPool2d {
        kernel: 3,
        stride: 2,
        padding,
    }
}

fn norm(size: usize, alpha: f64, k: f64) -> Work {
    Work::ResponseNorm {
        size,
        alpha,
        beta: 0.75,
        k,
    }
}
