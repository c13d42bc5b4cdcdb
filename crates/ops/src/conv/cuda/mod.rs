//! Convolution on a GPU: cuDNN's three passes, then bias and activation in one
//! sweep.
//!
//! Groups are convolutions of their own, over channels that are copied out and back.
//! cuDNN takes all groups in one call and reorders the whole of the values for each,
//! by fewer algorithms.

mod passes;

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, CudaViewMut};
use candle_core::{CpuStorage, CudaDevice, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::{ConvShape, kernels};
use crate::Activation;
use crate::activation::{activation, bias_activation};
use crate::cuda::{floats, only_on_a_gpu, output};
use crate::tape::apply2;

const NAME: &str = "conv2d";

/// `act(conv(x, w) + bias)` of checked tensors on a GPU, with gradients.
///
/// # Errors
/// cuDNN refuses, or the GPU is out of memory.
pub(super) fn conv2d(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    shape: &ConvShape,
    batch: usize,
    act: Activation,
) -> Result<Tensor> {
    let sizes = Sizes {
        shape: *shape,
        batch,
    };
    let op = Convolution(sizes, Pass::Forward);
    let y = apply2(&x.contiguous()?, &w.contiguous()?, op)?;
    match bias {
        Some(bias) => bias_activation(&y, bias, act),
        None => activation(&y, act),
    }
}

/// What all three passes are told.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Sizes {
    shape: ConvShape,
    batch: usize,
}

impl Sizes {
    /// `[N, C, H, W]`.
    fn input(&self) -> [usize; 4] {
        let [height, width] = self.shape.input;
        [self.batch, self.shape.in_channels, height, width]
    }

    /// `[filters, C / groups, height, width]`.
    fn weight(&self) -> [usize; 4] {
        let [height, width] = self.shape.kernel;
        let inputs = self.shape.group_inputs();
        [self.shape.out_channels, inputs, height, width]
    }

    /// `[N, filters, rows, columns]`.
    fn output(&self) -> [usize; 4] {
        let [height, width] = self.shape.output();
        [self.batch, self.shape.out_channels, height, width]
    }

    /// Those of one group.
    fn of_a_group(self) -> Self {
        let groups = self.shape.groups;
        let shape = ConvShape {
            in_channels: self.shape.in_channels / groups,
            out_channels: self.shape.out_channels / groups,
            groups: 1,
            ..self.shape
        };
        Self { shape, ..self }
    }
}

/// Where the values of each group lie: a block in each image, or for weights one block.
struct Blocks {
    blocks: usize,
    /// Values from the beginning of a block to that of the next.
    whole: usize,
    /// Values of a block.
    part: usize,
}

impl Blocks {
    /// Of values `[N, C, H, W]` of images.
    fn of_images([images, channels, height, width]: [usize; 4], groups: usize) -> Self {
        let whole = channels * height * width;
        Self {
            blocks: images,
            whole,
            part: whole / groups,
        }
    }

    /// Of weights, whose filters lie group by group.
    fn of_weights(shape: [usize; 4], groups: usize) -> Self {
        let part = shape.into_iter().product::<usize>() / groups;
        Self {
            blocks: 1,
            whole: part,
            part,
        }
    }

    /// Values of a group.
    fn len(&self) -> usize {
        self.blocks * self.part
    }

    /// Whether the blocks of a group follow each other without a gap.
    fn is_whole(&self) -> bool {
        self.part == self.whole
    }

    /// The values of a group, as they are or copied into `room`.
    fn read<'a>(
        &self,
        device: &CudaDevice,
        values: &'a CudaView<f32>,
        group: usize,
        room: &'a mut Option<CudaSlice<f32>>,
    ) -> Result<CudaView<'a, f32>> {
        let start = group * self.part;
        let len = self.len();
        if self.is_whole() {
            return Ok(values.slice(start..start + len));
        }
        let block = room.insert(output(device, len)?);
        let from = values.slice(start..);
        let mut to = block.as_view_mut();
        kernels::copy_blocks(
            device, len, &from, &mut to, self.part, self.whole, self.part,
        )?;
        Ok(block.as_view())
    }

    /// Has `write` write the values of a group to where they lie.
    fn write(
        &self,
        device: &CudaDevice,
        values: &mut CudaSlice<f32>,
        group: usize,
        write: impl FnOnce(&mut CudaViewMut<f32>) -> Result<()>,
    ) -> Result<()> {
        let start = group * self.part;
        let len = self.len();
        if self.is_whole() {
            return write(&mut values.slice_mut(start..start + len));
        }
        let mut block = output(device, len)?;
        write(&mut block.as_view_mut())?;
        let from = block.as_view();
        let mut to = values.slice_mut(start..);
        kernels::copy_blocks(
            device, len, &from, &mut to, self.part, self.part, self.whole,
        )
    }
}

/// What a convolution is asked for, and of what.
#[derive(Clone, Copy)]
enum Pass {
    /// The output, of input and weights.
    Forward,
    /// The gradient of the input, of the weights and the gradient of the output.
    InputGradient,
    /// The gradient of the weights, of the input and the gradient of the output.
    WeightGradient,
}

/// A pass of a convolution without bias and activation.
struct Convolution(Sizes, Pass);

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        only_on_a_gpu(NAME)
    }

    fn cuda_fwd(
        &self,
        first: &CudaStorage,
        first_layout: &Layout,
        second: &CudaStorage,
        second_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let Self(sizes, pass) = *self;
        let device = &first.device;
        let first = floats(NAME, first, first_layout)?;
        let second = floats(NAME, second, second_layout)?;
        let groups = sizes.shape.groups;
        let x = Blocks::of_images(sizes.input(), groups);
        let w = Blocks::of_weights(sizes.weight(), groups);
        let y = Blocks::of_images(sizes.output(), groups);
        let (firsts, seconds, results, shape) = match pass {
            Pass::Forward => (x, w, y, sizes.output()),
            Pass::InputGradient => (w, y, x, sizes.input()),
            Pass::WeightGradient => (x, y, w, sizes.weight()),
        };
        let shape = Shape::from(shape.to_vec());
        let mut result = output(device, shape.elem_count())?;
        for group in 0..groups {
            let (mut room, mut more) = (None, None);
            let first = firsts.read(device, &first, group, &mut room)?;
            let second = seconds.read(device, &second, group, &mut more)?;
            let (of, operands) = (sizes.of_a_group(), [&first, &second]);
            results.write(device, &mut result, group, |to| match pass {
                Pass::Forward => passes::forward(device, of, operands, to),
                Pass::InputGradient => passes::input_gradient(device, of, operands, to),
                Pass::WeightGradient => passes::weight_gradient(device, of, operands, to),
            })?;
        }
        Ok((CudaStorage::wrap_cuda_slice(result, device.clone()), shape))
    }

    /// Of the forward pass; the others are never recorded.
    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gy = gy.contiguous()?;
        let gx = || w.apply_op2_no_bwd(&gy, &Self(self.0, Pass::InputGradient));
        let gw = || x.apply_op2_no_bwd(&gy, &Self(self.0, Pass::WeightGradient));
        Ok((
            x.track_op().then(gx).transpose()?,
            w.track_op().then(gw).transpose()?,
        ))
    }
}
