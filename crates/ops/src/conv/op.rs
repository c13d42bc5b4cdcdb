//! Convolution as a candle operation over tensors.

use candle_core::{Result, Shape, Tensor, bail};

use super::{ConvShape, conv2d_backward, conv2d_forward};
use crate::affine::{self, Affine};
use crate::operands::check_operands;
use crate::{Activation, Precision};

const NAME: &str = "conv2d";

/// How [`conv2d`] applies its filters. Pairs are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Step between two applications of a filter.
    pub stride: [usize; 2],
    /// Zeros added on each side of the input.
    pub padding: [usize; 2],
    /// Into how many independent convolutions the channels are split.
    pub groups: usize,
    /// What is applied to the sum of convolution and bias.
    pub activation: Activation,
    /// What is multiplied, on the CPU.
    pub precision: Precision,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Self {
            stride: [1, 1],
            padding: [0, 0],
            groups: 1,
            activation: Activation::Identity,
            precision: Precision::F32,
        }
    }
}

/// `act(conv(x, w) + bias)` with gradients for whatever is tracked.
///
/// `x` is `[N, C, H, W]`, `w` `[O, C / groups, kH, kW]`, `bias` `[O]`, the
/// result `[N, O, H', W']`. On a GPU it is cuDNN's with the feature `cuda`; on
/// any other device it is composed of candle's own operations, which take square
/// strides and paddings only.
///
/// # Errors
/// When shapes do not fit together or a tensor is not float32.
pub fn conv2d(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    let operands: Vec<_> = [x, w].into_iter().chain(bias).collect();
    check_operands(NAME, &operands)?;
    let (batch, shape) = shape_of(x, w, bias, config)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return super::cuda::conv2d(x, w, bias, &shape, batch, config.activation);
    }
    if !x.device().is_cpu() {
        return composed(x, w, bias, config);
    }
    let op = Conv2d {
        shape,
        batch,
        activation: config.activation,
        precision: config.precision,
    };
    affine::apply(x, w, bias, op)
}

/// The batch size and the checked sizes of a convolution of these tensors.
fn shape_of(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<(usize, ConvShape)> {
    let (Ok((batch, channels, height, width)), Ok((filters, group_inputs, kernel_h, kernel_w))) =
        (x.dims4(), w.dims4())
    else {
        bail!(
            "{NAME}: input {:?} and weight {:?} must both have four dimensions",
            x.shape(),
            w.shape()
        )
    };
    let shape = ConvShape::new(
        [channels, filters],
        config.groups,
        [kernel_h, kernel_w],
        config.stride,
        config.padding,
        [height, width],
    )
    .map_err(candle_core::Error::wrap)?;
    if shape.group_inputs() != group_inputs {
        bail!(
            "{NAME}: weight {:?} must have {} input channels for input {:?} in {} groups",
            w.shape(),
            shape.group_inputs(),
            x.shape(),
            config.groups
        )
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [filters]) {
        bail!("{NAME}: bias {:?} must be [{filters}]", bias.shape())
    }
    Ok((batch, shape))
}

/// The same result from candle's operations, for devices without a kernel here.
fn composed(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, config: Conv2dConfig) -> Result<Tensor> {
    let ([stride, stride_w], [padding, padding_w]) = (config.stride, config.padding);
    if stride != stride_w || padding != padding_w {
        bail!(
            "{NAME}: {:?} takes only square strides and paddings, not {config:?}",
            x.device()
        )
    }
    let mut y = x.conv2d(w, padding, stride, 1, config.groups)?;
    if let Some(bias) = bias {
        y = y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?)?;
    }
    config.activation.apply_tensor(&y)
}

struct Conv2d {
    shape: ConvShape,
    batch: usize,
    activation: Activation,
    precision: Precision,
}

impl Affine for Conv2d {
    const NAME: &'static str = NAME;

    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> (Vec<f32>, Shape) {
        let [height, width] = self.shape.output();
        let mut y = vec![0.0; self.batch * self.shape.output_len()];
        conv2d_forward(
            self.precision,
            &self.shape,
            self.batch,
            x,
            w,
            bias,
            self.activation,
            &mut y,
        );
        let shape = Shape::from((self.batch, self.shape.out_channels, height, width));
        (y, shape)
    }

    fn backward(
        &self,
        [x, w, y, gy]: [&[f32]; 4],
        gx: Option<&mut [f32]>,
        gw: &mut [f32],
        gb: Option<&mut [f32]>,
    ) {
        conv2d_backward(
            self.precision,
            &self.shape,
            self.batch,
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
