//! The networks that are timed. Not here: their layers, which are the plugins'.

use ablate_alexnet::AlexNet;
use ablate_convnet::ConvNet;
use ablate_core::{ModelContext, Precision};
use ablate_nn::Stack;
use ablate_runner::DeviceName;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::case::{Case, Pass, Work};

/// Images of a batch, as in the paper's section 5.
pub const PAPERS_BATCH: usize = 128;

/// A network at the size of its data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The four-layer network on CIFAR-10.
    Convnet,
    /// The same with response normalisation.
    ConvnetLrn,
    /// AlexNet on ImageNet.
    Alexnet,
}

impl Network {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Convnet, Self::ConvnetLrn, Self::Alexnet];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Convnet => "convnet",
            Self::ConvnetLrn => "convnet-lrn",
            Self::Alexnet => "alexnet",
        }
    }

    /// Images of a pass.
    pub fn batch(self, quick: bool) -> usize {
        let batch = match self {
            Self::Convnet | Self::ConvnetLrn => 128,
            Self::Alexnet => 64,
        };
        if quick { batch / 8 } else { batch }
    }

    /// Shape `[C, H, W]` of an image, and how many classes there are.
    pub fn sizes(self) -> ([usize; 3], usize) {
        match self {
            Self::Convnet | Self::ConvnetLrn => ([3, 32, 32], 10),
            Self::Alexnet => ([3, 224, 224], 1000),
        }
    }

    /// A pass through it.
    pub fn case(self, pass: Pass, precision: Precision, quick: bool) -> Case {
        let (input, classes) = self.sizes();
        Case {
            name: self.name().to_string(),
            pass,
            precision,
            device: DeviceName::Cpu,
            batch: self.batch(quick),
            input: input.to_vec(),
            work: Work::Network {
                network: self,
                classes,
            },
        }
    }

    /// The name and config of its model plugin.
    pub fn plugin(self) -> (&'static str, Value) {
        match self {
            Self::Alexnet => ("alexnet", json!({})),
            _ => ("convnet", json!({ "lrn": { "enabled": self.has_lrn() } })),
        }
    }

    /// Its layers, as the plugin builds them.
    ///
    /// # Errors
    /// The layers do not fit the images.
    pub fn stack(self, cx: &ModelContext) -> ablate_core::Result<Stack> {
        let table = match self {
            Self::Alexnet => ablate_alexnet::net::layers(&AlexNet::default(), cx.classes),
            _ => {
                let mut config = ConvNet::default();
                config.lrn.enabled = self.has_lrn();
                ablate_convnet::layers(&config, cx.classes)
            }
        };
        table.build(cx.input, &cx.parameters)
    }

    fn has_lrn(self) -> bool {
        self == Self::ConvnetLrn
    }
}
