//! Convolution on a GPU: cuDNN's three passes, then bias and activation in one
//! sweep.
//!
//! Groups are convolutions of their own, over channels that are copied out and back.
//! cuDNN takes all groups in one call and reorders the whole of the values for each,
//! by fewer algorithms.

mod passes;

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView};
use candle_core::{CpuStorage, CudaDevice, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::{ConvShape, kernels};
use crate::Activation;
use crate::activation::{activation, bias_activation};
use crate::cuda::{floats, only_on_a_gpu, output};

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
    let op = Convolve(Sizes {
        shape: *shape,
        batch,
    });
    let y = x.contiguous()?.apply_op2(&w.contiguous()?, op)?;
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

/// The values of a group within those of all: a block in each image.
struct Blocks {
    images: usize,
    /// Values of an image in all groups.
    whole: usize,
    /// Values of an image in one.
    part: usize,
}

impl Blocks {
    /// Of values `[N, C, H, W]`.
    fn new([images, channels, height, width]: [usize; 4], groups: usize) -> Self {
        let whole = channels * height * width;
        Self {
            images,
            whole,
            part: whole / groups,
        }
    }

    fn gather(
        &self,
        device: &CudaDevice,
        values: &CudaView<f32>,
        group: usize,
    ) -> Result<CudaSlice<f32>> {
        let len = self.images * self.part;
        let mut block = output(device, len)?;
        let from = values.slice(group * self.part..);
        let mut to = block.as_view_mut();
        kernels::copy_blocks(
            device, len, &from, &mut to, self.part, self.whole, self.part,
        )?;
        Ok(block)
    }

    fn scatter(
        &self,
        device: &CudaDevice,
        block: &CudaSlice<f32>,
        group: usize,
        values: &mut CudaSlice<f32>,
    ) -> Result<()> {
        let len = self.images * self.part;
        let from = block.as_view();
        let mut to = values.slice_mut(group * self.part..);
        kernels::copy_blocks(
            device, len, &from, &mut to, self.part, self.part, self.whole,
        )
    }
}

/// `conv(x, w)`.
struct Convolve(Sizes);

impl CustomOp2 for Convolve {
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
        x: &CudaStorage,
        x_layout: &Layout,
        w: &CudaStorage,
        w_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let device = &x.device;
        let (x, w) = (floats(NAME, x, x_layout)?, floats(NAME, w, w_layout)?);
        let (sizes, groups) = (self.0, self.0.shape.groups);
        let shape = Shape::from(sizes.output().to_vec());
        let mut y = output(device, shape.elem_count())?;
        if groups == 1 {
            passes::forward(device, sizes, [&x, &w], &mut y.as_view_mut())?;
        } else {
            let [xs, ys] = [sizes.input(), sizes.output()].map(|of| Blocks::new(of, groups));
            let weights = w.len() / groups;
            for group in 0..groups {
                let x = xs.gather(device, &x, group)?;
                let w = w.slice(group * weights..(group + 1) * weights);
                let mut block = output(device, ys.images * ys.part)?;
                let to = &mut block.as_view_mut();
                passes::forward(device, sizes.of_a_group(), [&x.as_view(), &w], to)?;
                ys.scatter(device, &block, group, &mut y)?;
            }
        }
        Ok((CudaStorage::wrap_cuda_slice(y, device.clone()), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gy = gy.contiguous()?;
        let gx = || w.apply_op2_no_bwd(&gy, &InputGradient(self.0));
        let gw = || x.apply_op2_no_bwd(&gy, &WeightGradient(self.0));
        Ok((
            x.track_op().then(gx).transpose()?,
            w.track_op().then(gw).transpose()?,
        ))
    }
}

/// The gradient of the input, from the weights and the gradient of the output.
struct InputGradient(Sizes);

impl CustomOp2 for InputGradient {
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
        w: &CudaStorage,
        w_layout: &Layout,
        gy: &CudaStorage,
        gy_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let device = &w.device;
        let (w, gy) = (floats(NAME, w, w_layout)?, floats(NAME, gy, gy_layout)?);
        let (sizes, groups) = (self.0, self.0.shape.groups);
        let shape = Shape::from(sizes.input().to_vec());
        let mut gx = output(device, shape.elem_count())?;
        if groups == 1 {
            passes::input_gradient(device, sizes, [&w, &gy], &mut gx.as_view_mut())?;
        } else {
            let [xs, ys] = [sizes.input(), sizes.output()].map(|of| Blocks::new(of, groups));
            let weights = w.len() / groups;
            for group in 0..groups {
                let gy = ys.gather(device, &gy, group)?;
                let w = w.slice(group * weights..(group + 1) * weights);
                let mut block = output(device, xs.images * xs.part)?;
                let to = &mut block.as_view_mut();
                passes::input_gradient(device, sizes.of_a_group(), [&w, &gy.as_view()], to)?;
                xs.scatter(device, &block, group, &mut gx)?;
            }
        }
        Ok((CudaStorage::wrap_cuda_slice(gx, device.clone()), shape))
    }
}

/// The gradient of the weights, from the input and the gradient of the output.
struct WeightGradient(Sizes);

impl CustomOp2 for WeightGradient {
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
        x: &CudaStorage,
        x_layout: &Layout,
        gy: &CudaStorage,
        gy_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let device = &x.device;
        let (x, gy) = (floats(NAME, x, x_layout)?, floats(NAME, gy, gy_layout)?);
        let (sizes, groups) = (self.0, self.0.shape.groups);
        let shape = Shape::from(sizes.weight().to_vec());
        let mut gw = output(device, shape.elem_count())?;
        if groups == 1 {
            passes::weight_gradient(device, sizes, [&x, &gy], &mut gw.as_view_mut())?;
        } else {
            let [xs, ys] = [sizes.input(), sizes.output()].map(|of| Blocks::new(of, groups));
            let weights = gw.len() / groups;
            for group in 0..groups {
                let x = xs.gather(device, &x, group)?;
                let gy = ys.gather(device, &gy, group)?;
                let to = &mut gw.slice_mut(group * weights..(group + 1) * weights);
                let operands = [&x.as_view(), &gy.as_view()];
                passes::weight_gradient(device, sizes.of_a_group(), operands, to)?;
            }
        }
        Ok((CudaStorage::wrap_cuda_slice(gw, device.clone()), shape))
    }
}
