//! Convolution on a GPU: cuDNN's three passes, then bias and activation in one
//! sweep.
//!
//! The algorithms are fixed, and of those that give the same bits in every run;
//! cuDNN's own choice may be faster and need not. Sums are kept in float32.

use std::sync::Arc;

use candle_core::cuda_backend::cudarc::cudnn::{
    ConvBackwardData, ConvBackwardFilter, ConvDescriptor, ConvForward, Cudnn, CudnnError,
    FilterDescriptor, TensorDescriptor, sys,
};
use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, CustomOp2, Error, Layout, Result, Shape, Tensor, bail,
};

use super::ConvShape;
use crate::Activation;
use crate::activation::{activation, bias_activation};
use crate::cuda::{cudnn, floats, only_on_a_gpu, output};

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
#[derive(Clone, Copy)]
struct Sizes {
    shape: ConvShape,
    batch: usize,
}

/// The same in cuDNN's terms.
struct Descriptors {
    conv: ConvDescriptor<f32>,
    x: TensorDescriptor<f32>,
    w: FilterDescriptor<f32>,
    y: TensorDescriptor<f32>,
}

impl Sizes {
    fn input(&self) -> [usize; 4] {
        let [height, width] = self.shape.input;
        [self.batch, self.shape.in_channels, height, width]
    }

    fn weight(&self) -> [usize; 4] {
        let [height, width] = self.shape.kernel;
        let inputs = self.shape.group_inputs();
        [self.shape.out_channels, inputs, height, width]
    }

    fn output(&self) -> [usize; 4] {
        let [height, width] = self.shape.output();
        [self.batch, self.shape.out_channels, height, width]
    }

    fn descriptors(&self, cudnn: &Arc<Cudnn>) -> Result<Descriptors> {
        let format = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let dilation = [1, 1];
        let (padding, stride) = (ints(self.shape.padding)?, ints(self.shape.stride)?);
        let (input, weight) = (ints(self.input())?, ints(self.weight())?);
        let (output, [groups]) = (ints(self.output())?, ints([self.shape.groups])?);
        let create = || -> std::result::Result<_, CudnnError> {
            let mut conv = cudnn.create_conv2d::<f32>(padding, stride, dilation, mode)?;
            conv.set_group_count(groups)?;
            // The default lets recent GPUs round the factors to ten bits (TF32).
            conv.set_math_type(sys::cudnnMathType_t::CUDNN_FMA_MATH)?;
            Ok(Descriptors {
                conv,
                x: cudnn.create_4d_tensor(format, input)?,
                w: cudnn.create_4d_filter(format, weight)?,
                y: cudnn.create_4d_tensor(format, output)?,
            })
        };
        create().map_err(Error::wrap)
    }
}

/// cuDNN counts in 32 bits.
fn ints<const N: usize>(sizes: [usize; N]) -> Result<[i32; N]> {
    let mut ints = [0; N];
    for (int, size) in ints.iter_mut().zip(sizes) {
        *int = match i32::try_from(size) {
            Ok(size) => size,
            Err(_) => bail!("{NAME}: a size of {size} is too large for cuDNN"),
        };
    }
    Ok(ints)
}

/// Scratch memory of a pass; none where it asks for none.
fn workspace(device: &CudaDevice, bytes: usize) -> Result<Option<CudaSlice<u8>>> {
    (bytes > 0).then(|| output(device, bytes)).transpose()
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
        let of = self.0.descriptors(&cudnn(device)?)?;
        let pass = ConvForward {
            conv: &of.conv,
            x: &of.x,
            w: &of.w,
            y: &of.y,
        };
        let algorithm =
            sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
        let bytes = pass.get_workspace_size(algorithm).map_err(Error::wrap)?;
        let mut workspace = workspace(device, bytes)?;
        let shape = Shape::from(self.0.output().to_vec());
        let mut y = output(device, shape.elem_count())?;
        // SAFETY: the slices are contiguous and of the sizes described.
        unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), &x, &w, &mut y) }
            .map_err(Error::wrap)?;
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
        let of = self.0.descriptors(&cudnn(device)?)?;
        let pass = ConvBackwardData {
            conv: &of.conv,
            dx: &of.x,
            w: &of.w,
            dy: &of.y,
        };
        let algorithm = sys::cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
        let bytes = pass.get_workspace_size(algorithm).map_err(Error::wrap)?;
        let mut workspace = workspace(device, bytes)?;
        let shape = Shape::from(self.0.input().to_vec());
        let mut gx = output(device, shape.elem_count())?;
        // SAFETY: the slices are contiguous and of the sizes described.
        unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), &mut gx, &w, &gy) }
            .map_err(Error::wrap)?;
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
        let of = self.0.descriptors(&cudnn(device)?)?;
        let pass = ConvBackwardFilter {
            conv: &of.conv,
            x: &of.x,
            dw: &of.w,
            dy: &of.y,
        };
        let algorithm = sys::cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
        let bytes = pass.get_workspace_size(algorithm).map_err(Error::wrap)?;
        let mut workspace = workspace(device, bytes)?;
        let shape = Shape::from(self.0.weight().to_vec());
        let mut gw = output(device, shape.elem_count())?;
        // SAFETY: the slices are contiguous and of the sizes described.
        unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), &x, &mut gw, &gy) }
            .map_err(Error::wrap)?;
        Ok((CudaStorage::wrap_cuda_slice(gw, device.clone()), shape))
    }
}
