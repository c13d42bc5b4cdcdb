//! What convolutions and fully connected layers are to candle: operations of an input, a
//! weight and, perhaps, a bias, on the CPU.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use crate::operands::{floats, with_floats};
use crate::tape::{apply2, apply3};

/// The kernels of such an operation, whose operands fit together.
pub(crate) trait Affine: Send + Sync + 'static {
    /// What candle's messages call it.
    const NAME: &'static str;

    /// The output and its shape.
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> (Vec<f32>, Shape);

    /// Overwrites the gradients of input, weight and bias, given input, weight, output and
    /// the output's gradient.
    fn backward(
        &self,
        operands: [&[f32]; 4],
        gx: Option<&mut [f32]>,
        gw: &mut [f32],
        gb: Option<&mut [f32]>,
    );
}

/// Applies an operation to CPU tensors, with gradients for whatever is tracked.
///
/// # Errors
/// A tensor is not on the CPU.
pub(crate) fn apply(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    of: impl Affine,
) -> Result<Tensor> {
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    match bias {
        Some(bias) => apply3(&x, &w, &bias.contiguous()?, Op(of)),
        None => apply2(&x, &w, Op(of)),
    }
}

struct Op<A>(A);

impl<A: Affine> Op<A> {
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> (CpuStorage, Shape) {
        let (y, shape) = self.0.forward(x, w, bias);
        (CpuStorage::F32(y), shape)
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
        with_floats(A::NAME, x, |x| {
            with_floats(A::NAME, w, |w| {
                with_floats(A::NAME, y, |y| {
                    with_floats(A::NAME, gy, |gy| {
                        let (gx, gb) = (gx.as_deref_mut(), gb.as_deref_mut());
                        self.0.backward([x, w, y, gy], gx, &mut gw, gb);
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

impl<A: Affine> CustomOp2 for Op<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (floats(A::NAME, x, x_layout)?, floats(A::NAME, w, w_layout)?);
        Ok(self.forward(x, w, None))
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

impl<A: Affine> CustomOp3 for Op<A> {
    fn name(&self) -> &'static str {
        A::NAME
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
        let (x, w) = (floats(A::NAME, x, x_layout)?, floats(A::NAME, w, w_layout)?);
        Ok(self.forward(x, w, Some(floats(A::NAME, bias, bias_layout)?)))
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
