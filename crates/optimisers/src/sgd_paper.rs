//! The paper's update rule, as it is printed in section 5.

use ablate_core::{Gradients, Optimiser, OptimiserConfig, Parameter, Result, State, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::range;
use crate::slots::{Slots, decay_of};

/// Stochastic gradient descent with momentum and weight decay:
/// `v <- momentum * v - weight_decay * lr * w - lr * gradient`, then `w <- w + v`.
///
/// The learning rate is inside the velocity, which PyTorch's rule (`sgd`) keeps
/// outside. At a constant rate both take the same steps. When the rate falls
/// tenfold, PyTorch's very next step is ten times shorter, while here the old
/// velocity runs out over the next dozen steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdPaper {
    /// The initial learning rate, which the schedule multiplies. Source: section 5.
    pub lr: f64,
    /// What is left of the velocity after a step, 0 to below 1. Source: section 5.
    pub momentum: f64,
    /// How much of a weight is taken off in a step at learning rate 1.
    /// Source: section 5.
    pub weight_decay: f64,
    /// Whether biases decay too; the paper's rule makes no exception for them.
    /// Source: section 5.
    pub decay_biases: bool,
}

impl Default for SgdPaper {
    fn default() -> Self {
        Self {
            lr: 0.01,
            momentum: 0.9,
            weight_decay: 5e-4,
            decay_biases: true,
        }
    }
}

impl OptimiserConfig for SgdPaper {
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
    "sgd_paper",
    SgdPaper,
    "the paper's momentum rule, with the learning rate inside the velocity"
);

struct Rule {
    config: SgdPaper,
    slots: Slots<1>,
}

impl Optimiser for Rule {
    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        let SgdPaper {
            momentum,
            weight_decay,
            decay_biases,
            ..
        } = self.config;
        self.slots.for_each(gradients, |slot, gradient| {
            let decay = decay_of(&slot.parameter, weight_decay, decay_biases);
            let [velocity] = &slot.tensors;
            ablate_ops::sgd_paper(&slot.parameter.var, velocity, gradient, lr, momentum, decay)
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
    use crate::testing::{self, GRADIENTS, INITIAL, RATES};

    fn config() -> SgdPaper {
        SgdPaper {
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 0.01,
            decay_biases: true,
        }
    }

    /// The rule as printed, in double precision.
    fn by_the_book(rates: [f64; 3], decay: f64) -> Vec<Vec<f64>> {
        let mut w = INITIAL.map(f64::from);
        let mut v = [0.0; 4];
        let steps = GRADIENTS.iter().zip(rates);
        let step = |(g, lr): (&[f32; 4], f64)| {
            for i in 0..4 {
                v[i] = 0.9 * v[i] - decay * lr * w[i] - lr * f64::from(g[i]);
                w[i] += v[i];
            }
            w.to_vec()
        };
        steps.map(step).collect()
    }

    #[test]
    fn steps_are_those_of_the_printed_rule() {
        let found = testing::trajectory(&config(), "layer.weight", &RATES);
        testing::assert_close(&found, &by_the_book(RATES, 0.01));
    }

    #[test]
    fn the_first_step_by_hand() {
        let found = testing::trajectory(&config(), "layer.weight", &RATES);
        // 0.5 - 0.01 * 0.1 * 0.5 - 0.1 * 0.1 and so on.
        let expected = [0.4895, -0.979, 1.968, 0.20975];
        testing::assert_close(&found[..1], &[expected.to_vec()]);
    }

    #[test]
    fn at_a_constant_rate_the_steps_are_pytorchs() {
        let rates = [0.1; 3];
        let paper = testing::trajectory(&config(), "layer.weight", &rates);
        let pytorch = crate::Sgd {
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 0.01,
            decay_biases: true,
        };
        let pytorch = testing::trajectory(&pytorch, "layer.weight", &rates);
        let pytorch: Vec<Vec<f64>> = pytorch
            .iter()
            .map(|w| w.iter().map(|w| f64::from(*w)).collect())
            .collect();
        testing::assert_close(&paper, &pytorch);
    }

    #[test]
    fn biases_decay_only_if_asked() {
        let config = SgdPaper {
            decay_biases: false,
            ..config()
        };
        let weight = testing::trajectory(&config, "layer.weight", &RATES);
        testing::assert_close(&weight, &by_the_book(RATES, 0.01));
        for name in ["layer.bias", "bias"] {
            let bias = testing::trajectory(&config, name, &RATES);
            testing::assert_close(&bias, &by_the_book(RATES, 0.0));
        }
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
                SgdPaper {
                    lr: -0.1,
                    ..config()
                },
            ),
            (
                "lr",
                SgdPaper {
                    lr: f64::NAN,
                    ..config()
                },
            ),
            (
                "momentum",
                SgdPaper {
                    momentum: 1.0,
                    ..config()
                },
            ),
            (
                "momentum",
                SgdPaper {
                    momentum: -0.1,
                    ..config()
                },
            ),
            (
                "weight_decay",
                SgdPaper {
                    weight_decay: f64::INFINITY,
                    ..config()
                },
            ),
        ] {
            testing::assert_refused(&config, key);
        }
    }
}
