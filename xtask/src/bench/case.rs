//! What is timed: one list for all implementations.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One thing to time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What the table calls it.
    pub name: String,
    /// Which pass of it.
    pub pass: Pass,
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
    Network {
        /// `alexnet`, `convnet` or `convnet-lrn`.
        network: String,
        classes: usize,
    },
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

    /// The model plugin's name and config, for a network.
    pub fn plugin(&self) -> Option<(&'static str, Value)> {
        match &self.work {
            Work::Network { network, .. } if network == "alexnet" => Some(("alexnet", json!({}))),
            Work::Network { network, .. } => {
                let lrn = network.ends_with("lrn");
                Some(("convnet", json!({ "lrn": { "enabled": lrn } })))
            }
            _ => None,
        }
    }
}

/// The matrix product that operators are compared with: as fast as it gets.
pub const GEMM: &str = "matrix product 2048";

/// The cases, in groups that share a process.
pub fn groups(quick: bool) -> Vec<Vec<Case>> {
    let mut groups = vec![operators(quick)];
    for (network, input, batch, classes) in [
        ("convnet", [3, 32, 32], 128, 10),
        ("convnet-lrn", [3, 32, 32], 128, 10),
        ("alexnet", [3, 224, 224], 64, 1000),
    ] {
        for pass in [Pass::Forward, Pass::TrainingStep] {
            groups.push(vec![Case {
                name: network.to_string(),
                pass,
                batch: if quick { batch / 8 } else { batch },
                input: input.to_vec(),
                work: Work::Network {
                    network: network.to_string(),
                    classes,
                },
            }]);
        }
    }
    groups
}

fn operators(quick: bool) -> Vec<Case> {
    let mut cases = vec![Case {
        name: GEMM.to_string(),
        pass: Pass::Forward,
        batch: 2048,
        input: vec![2048],
        work: Work::Linear { outputs: 2048 },
    }];
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
    let alexnet = alexnet.into_iter().map(|layer| ("alexnet", 64, layer));
    let convnet = convnet.into_iter().map(|layer| ("convnet", 128, layer));
    for (network, batch, (layer, input, work)) in alexnet.chain(convnet) {
        for pass in [Pass::Forward, Pass::Backward] {
            cases.push(Case {
                name: format!("{network} {layer}"),
                pass,
                batch: if quick { batch / 8 } else { batch },
                input: input.clone(),
                work: work.clone(),
            });
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
