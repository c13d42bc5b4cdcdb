//! Operations noted as they run, to go back over them without candle's graph.
//!
//! candle's backward pass makes zeros for the gradient of every tensor and adds to
//! them. Between the layers of a chain each gradient is the only one, and on a GPU
//! that took a fifth of a training step.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use candle_core::{CustomOp1, CustomOp2, CustomOp3, Result, Shape, Tensor, TensorId, bail};

thread_local! {
    /// What ran on this thread since a tape was begun; `None` where there is none.
    static NOTED: RefCell<Option<Vec<Step>>> = const { RefCell::new(None) };
}

/// Operations of this crate in the order they ran, from an input to an output.
pub struct Tape {
    steps: Vec<Step>,
    output: Tensor,
}

/// An operation that ran: its operands and, last, its result.
enum Step {
    View([Tensor; 2]),
    One(Op1, [Tensor; 2]),
    Two(Op2, [Tensor; 3]),
    Three(Op3, [Tensor; 4]),
}

type Op1 = Arc<Box<dyn CustomOp1 + Send + Sync>>;
type Op2 = Arc<Box<dyn CustomOp2 + Send + Sync>>;
type Op3 = Arc<Box<dyn CustomOp3 + Send + Sync>>;

impl Tape {
    /// Notes the operations of this crate by which `run` makes a tensor of `input`.
    ///
    /// # Errors
    /// What `run` raises, or a gradient would have to pass through an operation that
    /// is not of this crate, which no tape notes.
    pub fn of(input: &Tensor, run: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let outer = NOTED.replace(Some(Vec::new()));
        let output = run(input);
        let steps = NOTED.replace(outer).unwrap_or_default();
        let tape = Self {
            steps,
            output: output?,
        };
        tape.check(input)?;
        Ok(tape)
    }

    /// What was made of the input.
    pub fn output(&self) -> &Tensor {
        &self.output
    }

    /// The gradients of the variables among the operands, and of the input where it is
    /// tracked, by the gradient of the output.
    ///
    /// # Errors
    /// An operation has no gradient, or the device is out of memory.
    pub fn backward(&self, gradient: &Tensor) -> Result<HashMap<TensorId, Tensor>> {
        let mut gradients = HashMap::from([(self.output.id(), gradient.clone())]);
        for step in self.steps.iter().rev() {
            let (operands, result) = step.tensors();
            let Some(of_result) = gradients.remove(&result.id()) else {
                continue;
            };
            for (operand, gradient) in operands.iter().zip(step.back(&of_result)?) {
                let Some(gradient) = gradient.filter(|_| operand.track_op()) else {
                    continue;
                };
                let gradient = match gradients.remove(&operand.id()) {
                    Some(other) => (other + gradient)?,
                    None => gradient,
                };
                gradients.insert(operand.id(), gradient);
            }
        }
        Ok(gradients)
    }

    /// Fails where an operand of a step, or the output, has come about off the tape.
    fn check(&self, input: &Tensor) -> Result<()> {
        let mut known = HashSet::from([input.id()]);
        let is_known = |tensor: &Tensor, known: &HashSet<TensorId>| {
            !tensor.track_op() || tensor.is_variable() || known.contains(&tensor.id())
        };
        for step in &self.steps {
            let (operands, result) = step.tensors();
            if !operands.iter().all(|operand| is_known(operand, &known)) {
                bail!("an operation off the tape made an operand of one on it")
            }
            known.insert(result.id());
        }
        if !is_known(&self.output, &known) {
            bail!("an operation off the tape made its output")
        }
        Ok(())
    }
}

impl Step {
    /// Operands and result.
    fn tensors(&self) -> (&[Tensor], &Tensor) {
        let tensors: &[Tensor] = match self {
            Self::View(tensors) | Self::One(_, tensors) => tensors,
            Self::Two(_, tensors) => tensors,
            Self::Three(_, tensors) => tensors,
        };
        let last = tensors.len() - 1;
        (&tensors[..last], &tensors[last])
    }

    /// The gradient of each operand that has one.
    fn back(&self, gradient: &Tensor) -> Result<[Option<Tensor>; 3]> {
        Ok(match self {
            Self::View([x, _]) => [Some(gradient.reshape(x.shape())?), None, None],
            Self::One(op, [x, y]) => [op.bwd(x, y, gradient)?, None, None],
            Self::Two(op, [a, b, y]) => {
                let (a, b) = op.bwd(a, b, y, gradient)?;
                [a, b, None]
            }
            Self::Three(op, [a, b, c, y]) => op.bwd(a, b, c, y, gradient)?.into(),
        })
    }
}

fn note(step: impl FnOnce() -> Step) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(steps) = noted {
            steps.push(step());
        }
    });
}

/// `x` with its values in another shape, noted.
///
/// # Errors
/// The shape is of another number of values.
pub fn reshape(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let y = x.reshape(shape.into())?;
    note(|| Step::View([x.clone(), y.clone()]));
    Ok(y)
}

/// Applies an operation; it is noted, and in candle's graph.
pub(crate) fn apply1<C>(x: &Tensor, op: C) -> Result<Tensor>
where
    C: CustomOp1 + Send + Sync + 'static,
{
    let op: Op1 = Arc::new(Box::new(op));
    let y = x.apply_op1_arc(Arc::clone(&op))?;
    note(|| Step::One(op, [x.clone(), y.clone()]));
    Ok(y)
}

/// [`apply1`] of two operands.
pub(crate) fn apply2<C>(a: &Tensor, b: &Tensor, op: C) -> Result<Tensor>
where
    C: CustomOp2 + Send + Sync + 'static,
{
    let op: Op2 = Arc::new(Box::new(op));
    let y = a.apply_op2_arc(b, Arc::clone(&op))?;
    note(|| Step::Two(op, [a.clone(), b.clone(), y.clone()]));
    Ok(y)
}

/// [`apply1`] of three operands.
pub(crate) fn apply3<C>(a: &Tensor, b: &Tensor, c: &Tensor, op: C) -> Result<Tensor>
where
    C: CustomOp3 + Send + Sync + 'static,
{
    let op: Op3 = Arc::new(Box::new(op));
    let y = a.apply_op3_arc(b, c, Arc::clone(&op))?;
    note(|| Step::Three(op, [a.clone(), b.clone(), c.clone(), y.clone()]));
    Ok(y)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::{Activation, Precision, activation, linear};

    fn var(values: &[f32], shape: [usize; 2]) -> Result<Var> {
        Var::from_tensor(&Tensor::from_slice(values, &shape[..], &Device::Cpu)?)
    }

    fn dense(x: &Tensor, w: &Var) -> Result<Tensor> {
        linear(x, w, None, Activation::Tanh, Precision::F32)
    }

    #[test]
    fn gradients_are_those_of_the_graph() -> Result<()> {
        let x = var(&[0.5, -1.0, 2.0, 0.25, 1.5, -0.75], [2, 3])?;
        let w = var(&[0.1, 0.2, 0.3, -0.4, 0.5, 0.6, 0.7, 0.8, -0.9], [3, 3])?;
        // The weights count twice, and one value goes two ways.
        let network = |x: &Tensor| -> Result<Tensor> {
            let y = dense(&dense(x, &w)?, &w)?;
            let flat = reshape(&y, (1, 6))?;
            linear(&flat, &flat, None, Activation::Identity, Precision::F32)
        };
        let tape = Tape::of(&x, network)?;
        let found = tape.backward(&tape.output().ones_like()?)?;
        let graph = network(&x)?.sum_all()?.backward()?;
        for var in [&x, &w] {
            let wanted = graph.get(var).expect("a gradient").flatten_all()?;
            let found = found[&var.id()].flatten_all()?;
            assert_eq!(found.to_vec1::<f32>()?, wanted.to_vec1::<f32>()?);
            assert!(wanted.to_vec1::<f32>()?.iter().all(|value| *value != 0.0));
        }
        assert_eq!(found.len(), 2);
        Ok(())
    }

    #[test]
    fn what_needs_no_gradient_gets_none() -> Result<()> {
        let x = Tensor::ones((2, 3), candle_core::DType::F32, &Device::Cpu)?;
        let w = var(&[1.0, 2.0, 3.0], [1, 3])?;
        let tape = Tape::of(&x, |x| dense(x, &w))?;
        let found = tape.backward(&tape.output().ones_like()?)?;
        assert!(found.len() == 1 && found.contains_key(&w.id()));
        Ok(())
    }

    #[test]
    fn an_operation_off_the_tape_is_refused() -> Result<()> {
        let x = var(&[1.0, 2.0], [1, 2])?;
        let before = |x: &Tensor| activation(&(x * 2.0)?, Activation::Relu);
        let after = |x: &Tensor| activation(x, Activation::Relu)? * 2.0;
        let networks: [fn(&Tensor) -> Result<Tensor>; 2] = [before, after];
        for network in networks {
            let error = Tape::of(&x, network).err().expect("it is refused");
            assert!(error.to_string().contains("off the tape"), "{error}");
        }
        // Nothing is noted any more, here or after an error.
        assert!(NOTED.with_borrow(Option::is_none));
        Ok(())
    }
}
