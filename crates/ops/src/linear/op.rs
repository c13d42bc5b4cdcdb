//! The fully connected layer as a candle operation over tensors.

use candle_core::{Result, Shape, Tensor, bail};

use super::{linear_backward, linear_forward};
use crate::affine::{self, Affine};
use crate::operands::check_operands;
use crate::{Activation, Precision, activation};

const NAME: &str = "linear";

/// `act(x w^T + bias)` with gradients for whatever is tracked.
///
/// `x` is `[N, I]`, `w` `[O, I]`, `bias` `[O]`, the result `[N, O]`. On a
/// GPU the product is cuBLAS's, in float32, with the feature `cuda`; on any other device
/// it is composed of candle's own operations.
///
/// # Errors
/// When shapes do not fit together or a tensor is not float32.
pub fn linear(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    act: Activation,
    precision: Precision,
) -> Result<Tensor> {
    let operands: Vec<_> = [x, w].into_iter().chain(bias).collect();
    check_operands(NAME, &operands)?;
    let (Ok((batch, inputs)), Ok((outputs, weight_inputs))) = (x.dims2(), w.dims2()) else {
        bail!(
            "{NAME}: input {:?} and weight {:?} must both have two dimensions",
            x.shape(),
            w.shape()
        )
    };
    if inputs != weight_inputs {
        bail!(
            "{NAME}: weight {:?} does not fit input {:?}",
            w.shape(),
            x.shape()
        )
    }
    if inputs == 0 || outputs == 0 {
        bail!(
            "{NAME}: weight {:?} must have at least one input and one output",
            w.shape()
        )
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [outputs]) {
        bail!("{NAME}: bias {:?} must be [{outputs}]", bias.shape())
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return super::cuda::linear(x, w, bias, act);
    }
    if !x.device().is_cpu() {
        let y = x.matmul(&w.t()?)?;
        let y = match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        return activation(&y, act);
    }
    let op = Linear {
        batch,
        inputs,
        outputs,
        activation: act,
        precision,
    };
    affine::apply(x, w, bias, op)
}

struct Linear {
    batch: usize,
    inputs: usize,
    outputs: usize,
    activation: Activation,
    precision: Precision,
}

impl Affine for Linear {
    const NAME: &'static str = NAME;

    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> (Vec<f32>, Shape) {
        let mut y = vec![0.0; self.batch * self.outputs];
        linear_forward(
            self.precision,
            self.batch,
            self.inputs,
            self.outputs,
            x,
            w,
            bias,
            self.activation,
            &mut y,
        );
        (y, Shape::from((self.batch, self.outputs)))
    }

    fn backward(
        &self,
        [x, w, y, gy]: [&[f32]; 4],
        gx: Option<&mut [f32]>,
        gw: &mut [f32],
        gb: Option<&mut [f32]>,
    ) {
        linear_backward(
            self.precision,
            self.batch,
            self.inputs,
            self.outputs,
            x,
            w,
            y,
            gy,
            self.activation,
            gx,
            gw,
            gb,
        );
    }
}
