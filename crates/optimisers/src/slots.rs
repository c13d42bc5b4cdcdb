//! The tensors an update rule keeps beside each parameter: made, saved, restored.

use ablate_core::{Error, Gradients, Parameter, Result, State};
use candle_core::Tensor;

/// A parameter with the `K` tensors, shaped like it, that a rule keeps for it.
pub(crate) struct Slot<const K: usize> {
    pub parameter: Parameter,
    pub tensors: [Tensor; K],
}

/// All parameters with their tensors. In a checkpoint tensor `k` of a parameter
/// is named `KIND.PARAMETER` after `kinds[k]`: `velocity.features.0.weight`.
pub(crate) struct Slots<const K: usize> {
    kinds: [&'static str; K],
    slots: Vec<Slot<K>>,
}

impl<const K: usize> Slots<K> {
    /// Zeros for each parameter.
    ///
    /// # Errors
    /// A device is out of memory.
    pub fn zeros(kinds: [&'static str; K], parameters: &[Parameter]) -> Result<Self> {
        let slot = |parameter: &Parameter| {
            let mut tensors = Vec::with_capacity(K);
            for _ in 0..K {
                tensors.push(parameter.var.zeros_like()?);
            }
            let tensors = tensors
                .try_into()
                .map_err(|_| Error::Other("a slot was not filled".to_string()))?;
            Ok(Slot {
                parameter: parameter.clone(),
                tensors,
            })
        };
        let slots = parameters.iter().map(slot).collect::<Result<_>>()?;
        Ok(Self { kinds, slots })
    }

    /// Calls `update` for each parameter that has a gradient. One that the loss
    /// does not depend on is left alone, without decay, as PyTorch does.
    ///
    /// # Errors
    /// The first that `update` raises, with the parameter's name.
    pub fn for_each(
        &self,
        gradients: &Gradients,
        update: impl Fn(&Slot<K>, &Tensor) -> candle_core::Result<()>,
    ) -> Result<()> {
        for slot in &self.slots {
            if let Some(gradient) = gradients.get(&slot.parameter) {
                update(slot, gradient).map_err(|error| {
                    let name = &slot.parameter.name;
                    Error::Other(format!("the update of `{name}` failed: {error}"))
                })?;
            }
        }
        Ok(())
    }

    /// Copies of all tensors by name: the next step does not change them.
    ///
    /// # Errors
    /// A device is out of memory.
    pub fn save(&self) -> Result<State> {
        let mut state = State::new();
        for slot in &self.slots {
            for (kind, tensor) in self.kinds.iter().zip(&slot.tensors) {
                state.insert(name(kind, slot), tensor.copy()?);
            }
        }
        Ok(state)
    }

    /// Restores what [`save`](Self::save) returned, and copies the tensors named
    /// in `others` into them. Nothing changes unless everything fits.
    ///
    /// # Errors
    /// A name is missing, left over, or of another shape; all such are listed.
    pub fn load(&mut self, state: &State, others: Vec<(&str, &mut Tensor)>) -> Result<()> {
        let mut targets: Vec<(String, &mut Tensor)> = others
            .into_iter()
            .map(|(name, tensor)| (name.to_string(), tensor))
            .collect();
        for slot in &mut self.slots {
            let names = self.kinds.map(|kind| name(kind, slot));
            targets.extend(names.into_iter().zip(&mut slot.tensors));
        }
        refuse_misfits(state, &targets)?;
        for (name, target) in targets {
            let source = &state[&name];
            *target = source
                .to_device(target.device())?
                .to_dtype(target.dtype())?
                .force_contiguous()?;
        }
        Ok(())
    }
}

fn name<const K: usize>(kind: &str, slot: &Slot<K>) -> String {
    format!("{kind}.{}", slot.parameter.name)
}

fn refuse_misfits(state: &State, targets: &[(String, &mut Tensor)]) -> Result<()> {
    let mut problems = Vec::new();
    for (name, target) in targets {
        match state.get(name) {
            None => problems.push(format!("`{name}` is missing")),
            Some(tensor) if tensor.shape() != target.shape() => problems.push(format!(
                "`{name}` has shape {:?}, the optimiser wants {:?}",
                tensor.dims(),
                target.dims()
            )),
            Some(_) => {}
        }
    }
    let known = |name: &String| targets.iter().any(|(known, _)| known == name);
    problems.extend(
        state
            .keys()
            .filter(|name| !known(name))
            .map(|name| format!("`{name}` is unknown")),
    );
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Other(format!(
            "the state does not fit the optimiser: {}\n  \
             fix: resume with the optimiser and the model the state was saved from",
            problems.join("; ")
        ))),
    }
}

/// The weight decay of a parameter: none for a bias unless biases decay too.
/// PyTorch's names tell which it is.
pub(crate) fn decay_of(parameter: &Parameter, weight_decay: f64, decay_biases: bool) -> f64 {
    let is_bias = parameter.name == "bias" || parameter.name.ends_with(".bias");
    match is_bias && !decay_biases {
        true => 0.0,
        false => weight_decay,
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Pass;
    use candle_core::{DType, Device};

    use super::*;
    use crate::testing::{GRADIENTS, INITIAL, gradients, parameter, values};

    fn filled(value: f32, shape: usize) -> Tensor {
        Tensor::full(value, shape, &Device::Cpu).expect("a tensor")
    }

    #[test]
    fn a_state_that_does_not_fit_is_listed_in_full_and_changes_nothing() -> Result<()> {
        let parameters = [parameter("a"), parameter("b")];
        let mut slots = Slots::zeros(["mean", "square"], &parameters)?;
        let mut count = filled(7.0, 1);
        let state = State::from([
            ("mean.a".to_string(), filled(1.0, 4)),
            ("mean.b".to_string(), filled(1.0, 3)),
            ("square.b".to_string(), filled(1.0, 4)),
            ("velocity.a".to_string(), filled(1.0, 4)),
        ]);
        let error = slots.load(&state, vec![("count", &mut count)]);
        let message = error.expect_err("must not fit").to_string();
        for part in [
            "`count` is missing",
            "`mean.b` has shape [3], the optimiser wants [4]",
            "`square.a` is missing",
            "`velocity.a` is unknown",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(count.to_vec1::<f32>()?, [7.0]);
        for (_, tensor) in slots.save()? {
            assert_eq!(tensor.to_vec1::<f32>()?, [0.0; 4]);
        }
        Ok(())
    }

    #[test]
    fn a_state_goes_round_and_is_a_copy() -> Result<()> {
        let parameters = [parameter("a")];
        let mut slots = Slots::zeros(["mean"], &parameters)?;
        let state = State::from([("mean.a".to_string(), filled(2.5, 4))]);
        slots.load(&state, vec![])?;
        let saved = slots.save()?;
        let momentum = |slots: &Slots<1>| {
            slots.for_each(&gradients(&parameters[0], &GRADIENTS[0]), |slot, g| {
                ablate_ops::sgd(&slot.parameter.var, &slot.tensors[0], g, 0.1, 0.0, 0.0)
            })
        };
        momentum(&slots)?;
        for state in [&state, &saved] {
            assert_eq!(state["mean.a"].to_vec1::<f32>()?, [2.5; 4]);
        }
        assert_eq!(slots.save()?["mean.a"].to_vec1::<f32>()?, GRADIENTS[0]);
        Ok(())
    }

    #[test]
    fn a_parameter_without_a_gradient_is_left_alone() -> Result<()> {
        let parameters = [parameter("used"), parameter("unused")];
        let slots = Slots::zeros(["velocity"], &parameters)?;
        slots.for_each(&gradients(&parameters[0], &GRADIENTS[0]), |slot, g| {
            ablate_ops::sgd(&slot.parameter.var, &slot.tensors[0], g, 0.1, 0.9, 0.1)
        })?;
        assert_ne!(values(&parameters[0]), INITIAL);
        assert_eq!(values(&parameters[1]), INITIAL);
        Ok(())
    }

    #[test]
    fn a_gradient_of_another_shape_names_its_parameter() -> Result<()> {
        let parameter = parameter("layer.weight");
        let pass = Pass::train(ablate_core::Stream::new(0));
        pass.deposit(&parameter.var, filled(1.0, 3))?;
        let loss = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        let gradients = Gradients::of(&loss, &pass, std::slice::from_ref(&parameter))?;
        let slots = Slots::zeros(["velocity"], std::slice::from_ref(&parameter))?;
        let error = slots.for_each(&gradients, |slot, g| {
            ablate_ops::sgd(&slot.parameter.var, &slot.tensors[0], g, 0.1, 0.9, 0.1)
        });
        let message = error.expect_err("another shape").to_string();
        assert!(message.contains("`layer.weight`"), "{message}");
        Ok(())
    }

    #[test]
    fn only_biases_are_spared() {
        for (name, expected) in [
            ("bias", 0.0),
            ("features.0.bias", 0.0),
            ("features.0.weight", 0.5),
            ("unbias", 0.5),
        ] {
            assert_eq!(decay_of(&parameter(name), 0.5, false), expected, "{name}");
            assert_eq!(decay_of(&parameter(name), 0.5, true), 0.5, "{name}");
        }
    }
}
