//! Adam, with weight decay through the gradient or by itself (AdamW).

use ablate_core::{Gradients, Optimiser, OptimiserConfig, Parameter, Result, State, register};
use ablate_ops::AdamStep;
use candle_core::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::range;
use crate::slots::{Slots, decay_of};

/// The name of the step count in a saved state.
const STEP: &str = "step";

/// Adam (Kingma and Ba 2015) as `torch.optim.Adam` has it, and with `decoupled`
/// AdamW (Loshchilov and Hutter 2019) as `torch.optim.AdamW` has it. Not in the
/// paper; a younger rule to compare its own with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// The initial learning rate, which the schedule multiplies.
    pub lr: f64,
    /// What is left of the running mean of the gradient after a step, 0 to below 1.
    pub beta1: f64,
    /// What is left of the running mean of its square after a step, 0 to below 1.
    pub beta2: f64,
    /// Added to the root of the mean square, against division by 0.
    pub epsilon: f64,
    /// What the weight is multiplied by before it is added to its gradient; with
    /// `decoupled`, how much of it is taken off in a step at learning rate 1.
    pub weight_decay: f64,
    /// Whether weights decay by themselves (AdamW), and not through the gradient,
    /// whose mean square would divide the decay away.
    pub decoupled: bool,
    /// Whether biases decay too, as they do in PyTorch unless told otherwise.
    pub decay_biases: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            decay_biases: true,
        }
    }
}

impl OptimiserConfig for Adam {
    fn build(&self, parameters: &[Parameter]) -> Result<Box<dyn Optimiser>> {
        range::non_negative("lr", self.lr)?;
        range::below_one("beta1", self.beta1)?;
        range::below_one("beta2", self.beta2)?;
        range::positive("epsilon", self.epsilon)?;
        range::non_negative("weight_decay", self.weight_decay)?;
        Ok(Box::new(Rule {
            config: self.clone(),
            slots: Slots::zeros(["mean", "mean_square"], parameters)?,
            step: 0,
        }))
    }
}

register!(
    optimiser,
    "adam",
    Adam,
    "Adam, or AdamW with decoupled weight decay"
);

struct Rule {
    config: Adam,
    slots: Slots<2>,
    /// Steps taken, on which the correction of the means' bias depends.
    step: u64,
}

impl Optimiser for Rule {
    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        self.step += 1;
        let config = &self.config;
        let step = self.step;
        self.slots.for_each(gradients, |slot, gradient| {
            let [mean, mean_square] = &slot.tensors;
            let numbers = AdamStep {
                lr,
                beta1: config.beta1,
                beta2: config.beta2,
                eps: config.epsilon,
                weight_decay: decay_of(&slot.parameter, config.weight_decay, config.decay_biases),
                step,
                decoupled: config.decoupled,
            };
            ablate_ops::adam(&slot.parameter.var, mean, mean_square, gradient, numbers)
        })
    }

    fn state(&self) -> Result<State> {
        let mut state = self.slots.save()?;
        // In float32 like the rest of a checkpoint: exact up to 16 million steps,
        // long after which the corrections it stands for are 1.
        state.insert(
            STEP.to_string(),
            Tensor::new(self.step as f32, &Device::Cpu)?,
        );
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        let mut step = Tensor::new(0f32, &Device::Cpu)?;
        self.slots.load(state, vec![(STEP, &mut step)])?;
        self.step = step.to_scalar::<f32>()? as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, RATES};

    fn config(decoupled: bool) -> Adam {
        Adam {
            lr: 0.1,
            weight_decay: 0.01,
            decoupled,
            ..Adam::default()
        }
    }

    /// `torch.optim.Adam([w], lr=0.1, weight_decay=0.01)` of PyTorch 2.15 from the
    /// same weights, gradients and learning rates.
    const PYTORCH_ADAM: [[f64; 4]; 3] = [
        [0.400000006, -0.900000036, 1.89999998, 0.150000006],
        [0.458931386, -0.912107825, 1.80835164, 0.19398126],
        [0.445112795, -0.941431761, 1.79643071, 0.210922465],
    ];

    /// The same with `torch.optim.AdamW`.
    const PYTORCH_ADAMW: [[f64; 4]; 3] = [
        [0.399500012, -0.898999989, 1.898, 0.149749994],
        [0.458935916, -0.914374173, 1.80562222, 0.193821773],
        [0.445285827, -0.944211245, 1.79649627, 0.210816532],
    ];

    #[test]
    fn steps_are_pytorchs() {
        for (decoupled, expected) in [(false, PYTORCH_ADAM), (true, PYTORCH_ADAMW)] {
            let found = testing::trajectory(&config(decoupled), "layer.weight", &RATES);
            testing::assert_close(&found, &expected.map(Vec::from));
        }
    }

    #[test]
    fn biases_decay_only_if_asked() {
        for decoupled in [false, true] {
            let spared = Adam {
                decay_biases: false,
                ..config(decoupled)
            };
            let without = Adam {
                weight_decay: 0.0,
                ..config(decoupled)
            };
            assert_eq!(
                testing::trajectory(&spared, "layer.bias", &RATES),
                testing::trajectory(&without, "layer.bias", &RATES)
            );
        }
    }

    #[test]
    fn a_restored_state_continues_to_the_same_bits() {
        let names = ["mean.layer.weight", "mean_square.layer.weight", "step"];
        testing::assert_resumes(&config(true), &names);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (key, config) in [
            (
                "lr",
                Adam {
                    lr: -0.1,
                    ..config(false)
                },
            ),
            (
                "beta1",
                Adam {
                    beta1: 1.0,
                    ..config(false)
                },
            ),
            (
                "beta2",
                Adam {
                    beta2: -0.5,
                    ..config(false)
                },
            ),
            (
                "epsilon",
                Adam {
                    epsilon: 0.0,
                    ..config(false)
                },
            ),
            (
                "weight_decay",
                Adam {
                    weight_decay: -1.0,
                    ..config(false)
                },
            ),
        ] {
            testing::assert_refused(&config, key);
        }
    }
}
