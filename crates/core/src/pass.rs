//! One pass through a model, and the gradients it leads to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Tensor, TensorId};

use crate::{Parameter, Precision, Result, Stream};

/// Gradients that reached the side door, by parameter.
type Deposits = Arc<Mutex<HashMap<TensorId, Tensor>>>;

/// One pass through a model: whether it trains, the random stream of its
/// dropout masks, and a side door for parameter gradients.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    training: Option<(Stream, Deposits)>,
    precision: Precision,
    first_image: usize,
}

impl Pass {
    /// A pass that measures: no dropout, no gradients kept.
    pub fn evaluate() -> Self {
        Self::default()
    }

    /// A pass that trains. `stream` must differ from step to step.
    pub fn train(stream: Stream) -> Self {
        Self {
            training: Some((stream, Arc::default())),
            ..Self::default()
        }
    }

    /// The same pass with its products taken in `precision`.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// The same pass over a part of its batch that begins with image `first`.
    pub fn starting_at(mut self, first: usize) -> Self {
        self.first_image = first;
        self
    }

    /// The place in the batch of the first image that the pass sees: 0, but for a
    /// batch that is worked on in parts.
    ///
    /// What is drawn for each image of a batch must take it into account, so that
    /// a batch in parts draws what it would as a whole.
    pub fn first_image(&self) -> usize {
        self.first_image
    }

    /// What convolutions and linear layers should multiply.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The random stream of this pass, or `None` when evaluating. The parts of a
    /// batch share it: see [`first_image`](Self::first_image).
    pub fn stream(&self) -> Option<Stream> {
        self.training.as_ref().map(|(stream, _)| *stream)
    }

    /// Hands over the gradient of a parameter, added to what is there.
    ///
    /// Candle's own backward pass zeroes and re-adds every gradient it meets; a
    /// fused layer that has its gradients ready puts them here instead and
    /// saves four sweeps through memory.
    ///
    /// # Errors
    /// The shapes of two gradients of one parameter differ.
    pub fn deposit(&self, parameter: &Tensor, gradient: Tensor) -> candle_core::Result<()> {
        let Some((_, deposits)) = &self.training else {
            return Ok(());
        };
        let mut deposits = deposits.lock().unwrap_or_else(PoisonError::into_inner);
        let gradient = match deposits.remove(&parameter.id()) {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        };
        deposits.insert(parameter.id(), gradient);
        Ok(())
    }
}

/// The gradients of a loss by parameter.
#[derive(Debug)]
pub struct Gradients(HashMap<TensorId, Tensor>);

impl Gradients {
    /// Back-propagates `loss` (a scalar) through the pass that made it.
    ///
    /// # Errors
    /// An operation on the way has no gradient.
    pub fn of(loss: &Tensor, pass: &Pass, parameters: &[Parameter]) -> Result<Self> {
        let mut store = loss.backward()?;
        let mut gradients = match &pass.training {
            Some((_, deposits)) => {
                std::mem::take(&mut *deposits.lock().unwrap_or_else(PoisonError::into_inner))
            }
            None => HashMap::new(),
        };
        for parameter in parameters {
            if let Some(gradient) = store.remove(&parameter.var) {
                let gradient = match gradients.remove(&parameter.var.id()) {
                    Some(deposit) => (deposit + gradient)?,
                    None => gradient,
                };
                gradients.insert(parameter.var.id(), gradient);
            }
        }
        Ok(Self(gradients))
    }

    /// The gradients of `parameters`, given in their order.
    pub fn in_order(parameters: &[Parameter], gradients: Vec<Tensor>) -> Self {
        let ids = parameters.iter().map(|parameter| parameter.var.id());
        Self(ids.zip(gradients).collect())
    }

    /// The gradient of every one of `parameters`, in their order: zero where the loss
    /// does not depend on it. [`in_order`](Self::in_order) takes them back.
    ///
    /// # Errors
    /// A tensor cannot be made.
    pub fn listed(&self, parameters: &[Parameter]) -> Result<Vec<Tensor>> {
        let of = |parameter: &Parameter| match self.get(parameter) {
            Some(gradient) => Ok(gradient.clone()),
            None => Ok(parameter.var.zeros_like()?),
        };
        parameters.iter().map(of).collect()
    }

    /// The gradient of a parameter; `None` where the loss does not depend on it.
    pub fn get(&self, parameter: &Parameter) -> Option<&Tensor> {
        self.0.get(&parameter.var.id())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::Init;

    use super::*;
    use crate::Parameters;

    #[test]
    fn deposits_and_candle_gradients_add_up() -> Result<()> {
        let parameters = Parameters::new(Stream::new(0));
        let builder = parameters.builder(DType::F32, &Device::Cpu);
        let w = builder.get_with_hints(2, "w", Init::Const(3.0))?;
        let pass = Pass::train(Stream::new(1));
        pass.deposit(&w, Tensor::new(&[1f32, 2.0], &Device::Cpu)?)?;
        pass.deposit(&w, Tensor::new(&[1f32, 2.0], &Device::Cpu)?)?;
        let all = parameters.all();
        let gradients = Gradients::of(&w.sqr()?.sum_all()?, &pass, &all)?;
        let gradient = gradients.get(&all[0]).expect("w has a gradient");
        assert_eq!(gradient.to_vec1::<f32>()?, [8.0, 10.0]);
        Ok(())
    }
}
