//! The fully connected layer as a candle operation over tensors.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{linear_backward, linear_forward};
use crate::operands::{check_operands, floats, with_floats};
use crate::tape::{apply2, apply3};
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
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    match bias {
        Some(bias) => apply3(&x, &w, &bias.contiguous()?, op),
        None => apply2(&x, &w, op),
    }
}

struct Linear {
    batch: usize,
    inputs: usize,
    outputs: usize,
    activation: Activation,
    precision: Precision,
}

impl Linear {
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> (CpuStorage, Shape) {
        let mut y = vec![0.0; self.batch * self.outputs];
        let (batch, inputs, outputs) = (self.batch, self.inputs, self.outputs);
        linear_forward(
            self.precision,
            batch,
            inputs,
            outputs,
            x,
            w,
            bias,
            self.activation,
            &mut y,
        );
        (CpuStorage::F32(y), Shape::from((self.batch, self.outputs)))
    }

    /// Gradients of the tracked ones among input, weight and bias.
    fn backward(
        &self,
        x: &Tensor,
        w: &Tensor,
        bias: Option<&Tensor>,
        y: &Tensor,
        gy: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let buffer = |tensor: &Tensor| vec![0.0; tensor.elem_count()];
        let mut gx = x.track_op().then(|| buffer(x));
        let mut gb = bias.filter(|bias| bias.track_op()).map(buffer);
        let mut gw = buffer(w);
        with_floats(NAME, x, |x| {
            with_floats(NAME, w, |w| {
                with_floats(NAME, y, |y| {
                    with_floats(NAME, gy, |gy| {
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
                            gx.as_deref_mut(),
                            &mut gw,
                            gb.as_deref_mut(),
                        );
                        Ok(())
                    })
                })
            })
        })?;
        let tensor = |values: Option<Vec<f32>>, like: &Tensor| {
            values
                .map(|values| Tensor::from_vec(values, like.shape(), like.device()))
                .transpose()
        };
        Ok([
            tensor(gx, x)?,
            tensor(w.track_op().then_some(gw), w)?,
            tensor(gb, bias.unwrap_or(w))?,
        ])
    }
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(floats(NAME, x, x_layout)?, floats(NAME, w, w_layout)?, None))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        y: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [gx, gw, _] = self.backward(x, w, None, y, gy)?;
        Ok((gx, gw))
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = floats(NAME, bias, bias_layout)?;
        Ok(self.forward(
            floats(NAME, x, x_layout)?,
            floats(NAME, w, w_layout)?,
            Some(bias),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [gx, gw, gb] = self.backward(x, w, Some(bias), y, gy)?;
        Ok((gx, gw, gb))
    }
}
