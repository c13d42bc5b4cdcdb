//! Stochastic gradient descent as PyTorch has it.

use ablate_core::{Gradients, Optimiser, OptimiserConfig, Parameter, Result, State, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::range;
use crate::slots::{Slots, decay_of};

/// `torch.optim.SGD` without dampening and Nesterov's variant:
/// `v <- momentum * v + (gradient + weight_decay * w)`, then `w <- w - lr * v`.
///
/// The learning rate is outside the velocity; `sgd_paper` has it inside, and says
/// when that matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The initial learning rate, which the schedule multiplies. Source: section 5.
    pub lr: f64,
    /// What is left of the velocity after a step, 0 to below 1. Source: section 5.
    pub momentum: f64,
    /// What the weight is multiplied by before it is added to its gradient.
    /// Source: section 5.
    pub weight_decay: f64,
    /// Whether biases decay too, as they do in PyTorch unless told otherwise.
    pub decay_biases: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self {
            lr: 0.01,
            momentum: 0.9,
            weight_decay: 5e-4,
            decay_biases: true,
        }
    }
}

impl OptimiserConfig for Sgd {
    fn build(&self, parameters: &[Parameter]) -> Result<Box<dyn Optimiser>> {
        range::non_negative("lr", self.lr)?;
        range::below_one("momentum", self.momentum)?;
        range::non_negative("weight_decay", self.weight_decay)?;
        Ok(Box::new(Rule {
            config: self.clone(),
            slots: Slots::zeros(["velocity"], parameters)?,
        }))
    }
}

register!(
    optimiser,
    "sgd",
    Sgd,
    "momentum as PyTorch has it, with the learning rate outside the velocity"
);

struct Rule {
    config: Sgd,
    slots: Slots<1>,
}

impl Optimiser for Rule {
    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        let Sgd {
            momentum,
            weight_decay,
            decay_biases,
            ..
        } = self.config;
        self.slots.for_each(gradients, |slot, gradient| {
            let decay = decay_of(&slot.parameter, weight_decay, decay_biases);
            let [velocity] = &slot.tensors;
            ablate_ops::sgd(&slot.parameter.var, velocity, gradient, lr, momentum, decay)
        })
    }

    fn state(&self) -> Result<State> {
        self.slots.save()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.slots.load(state, vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, RATES};

    fn config() -> Sgd {
        Sgd {
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 0.01,
            decay_biases: true,
        }
    }

    /// `torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.01)` of PyTorch
    /// 2.15 from the same weights, gradients and learning rates.
    const PYTORCH: [[f64; 4]; 3] = [
        [0.489499986, -0.978999972, 1.96800005, 0.209749997],
        [0.529560506, -0.984120965, 1.92473209, 0.273315251],
        [0.509822965, -1.0109334, 1.91679907, 0.301782966],
    ];

    /// The same without momentum and weight decay.
    const PYTORCH_PLAIN: [[f64; 4]; 3] = [
        [0.49000001, -0.980000019, 1.97000003, 0.209999993],
        [0.540000021, -1.005, 1.95749998, 0.310000002],
        [0.502499998, -1.02999997, 1.97000003, 0.310000002],
    ];

    #[test]
    fn steps_are_pytorchs() {
        let found = testing::trajectory(&config(), "layer.weight", &RATES);
        testing::assert_close(&found, &PYTORCH.map(Vec::from));
        let biases = testing::trajectory(&config(), "layer.bias", &RATES);
        assert_eq!(biases, found, "biases decay like weights");
        let plain = Sgd {
            momentum: 0.0,
            weight_decay: 0.0,
            ..config()
        };
        let found = testing::trajectory(&plain, "layer.weight", &RATES);
        testing::assert_close(&found, &PYTORCH_PLAIN.map(Vec::from));
    }

    #[test]
    fn biases_decay_only_if_asked() {
        let without = Sgd {
            weight_decay: 0.0,
            ..config()
        };
        let spared = Sgd {
            decay_biases: false,
            ..config()
        };
        assert_eq!(
            testing::trajectory(&spared, "layer.bias", &RATES),
            testing::trajectory(&without, "layer.bias", &RATES)
        );
        assert_ne!(
            testing::trajectory(&spared, "layer.weight", &RATES),
            testing::trajectory(&without, "layer.weight", &RATES)
        );
    }

    #[test]
    fn a_restored_state_continues_to_the_same_bits() {
        testing::assert_resumes(&config(), &["velocity.layer.weight"]);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (key, config) in [
            (
                "lr",
                Sgd {
                    lr: -0.1,
                    ..config()
                },
            ),
            (
                "momentum",
                Sgd {
                    momentum: 1.0,
                    ..config()
                },
            ),
            (
                "weight_decay",
                Sgd {
                    weight_decay: -1.0,
                    ..config()
                },
            ),
        ] {
            testing::assert_refused(&config, key);
        }
    }
}
