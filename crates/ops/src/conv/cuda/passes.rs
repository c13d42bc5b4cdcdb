//! The three passes of a convolution in one group, by cuDNN.
//!
//! The algorithms are those that cuDNN expects to be the fastest for the sizes, of
//! those that give the same bits in every run and are as accurate as float32 is. That
//! leaves out Winograd's for filters other than 3x3: it multiplies rounding errors by
//! the more, the larger its tiles are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::cuda_backend::DeviceId;
use candle_core::cuda_backend::cudarc::cudnn::{
    ConvBackwardData, ConvBackwardFilter, ConvDescriptor, ConvForward, Cudnn, CudnnError,
    FilterDescriptor, TensorDescriptor, sys,
};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, CudaViewMut};
use candle_core::{CudaDevice, Error, Result, bail};

use super::{NAME, Sizes};
use crate::cuda::{cudnn, output};

/// Sizes in cuDNN's terms, and the algorithms of the passes that have run.
struct Plan {
    conv: ConvDescriptor<f32>,
    x: TensorDescriptor<f32>,
    w: FilterDescriptor<f32>,
    y: TensorDescriptor<f32>,
    forward: Chosen<sys::cudnnConvolutionFwdAlgo_t>,
    input_gradient: Chosen<sys::cudnnConvolutionBwdDataAlgo_t>,
    weight_gradient: Chosen<sys::cudnnConvolutionBwdFilterAlgo_t>,
}

/// A pass's algorithm and how many bytes of scratch memory it takes, once it is chosen.
type Chosen<A> = Cell<Option<(A, usize)>>;

type Answer<T> = std::result::Result<T, CudnnError>;

/// `y = conv(x, w)`.
pub(super) fn forward(
    device: &CudaDevice,
    sizes: Sizes,
    [x, w]: [&CudaView<f32>; 2],
    y: &mut CudaViewMut<f32>,
) -> Result<()> {
    use sys::cudnnConvolutionFwdAlgo_t::{
        CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING as BY_FFT,
        CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM as ANY_SIZES,
        CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD as WINOGRAD,
        CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED as WINOGRAD_NONFUSED,
    };
    let of = plan(device, sizes)?;
    let pass = ConvForward {
        conv: &of.conv,
        x: &of.x,
        w: &of.w,
        y: &of.y,
    };
    let bytes = |algorithm| pass.get_workspace_size(algorithm);
    // Each of them gives the same bits in every run.
    let fastest = || match pass.pick_algorithm()? {
        WINOGRAD | WINOGRAD_NONFUSED if !is_3x3(sizes) => this_or(BY_FFT, ANY_SIZES, bytes),
        algorithm => Ok((algorithm, bytes(algorithm)?)),
    };
    let (algorithm, mut workspace) = chosen(device, &of.forward, fastest)?;
    // SAFETY: the slices are contiguous and of the sizes described.
    unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), x, w, y) }.map_err(Error::wrap)
}

/// The gradient of the input, from the weights and the gradient of the output.
pub(super) fn input_gradient(
    device: &CudaDevice,
    sizes: Sizes,
    [w, gy]: [&CudaView<f32>; 2],
    gx: &mut CudaViewMut<f32>,
) -> Result<()> {
    use sys::cudnnConvolutionBwdDataAlgo_t::{
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 as ADDS_IN_ANY_ORDER,
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 as ANY_SIZES,
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING as BY_FFT,
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD as WINOGRAD,
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED as WINOGRAD_NONFUSED,
    };
    let of = plan(device, sizes)?;
    let pass = ConvBackwardData {
        conv: &of.conv,
        dx: &of.x,
        w: &of.w,
        dy: &of.y,
    };
    let bytes = |algorithm| pass.get_workspace_size(algorithm);
    let fastest = || match pass.pick_algorithm()? {
        ADDS_IN_ANY_ORDER | WINOGRAD | WINOGRAD_NONFUSED if !is_3x3(sizes) => {
            this_or(BY_FFT, ANY_SIZES, bytes)
        }
        ADDS_IN_ANY_ORDER => this_or(WINOGRAD_NONFUSED, ANY_SIZES, bytes),
        algorithm => Ok((algorithm, bytes(algorithm)?)),
    };
    let (algorithm, mut workspace) = chosen(device, &of.input_gradient, fastest)?;
    // SAFETY: the slices are contiguous and of the sizes described.
    unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), gx, w, gy) }
        .map_err(Error::wrap)
}

/// The gradient of the weights, from the input and the gradient of the output.
pub(super) fn weight_gradient(
    device: &CudaDevice,
    sizes: Sizes,
    [x, gy]: [&CudaView<f32>; 2],
    gw: &mut CudaViewMut<f32>,
) -> Result<()> {
    use sys::cudnnConvolutionBwdFilterAlgo_t::{
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 as ADDS_IN_ANY_ORDER,
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 as ANY_SIZES,
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3 as SO_DOES_THIS,
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING as BY_FFT,
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD as WINOGRAD,
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED as WINOGRAD_NONFUSED,
    };
    let of = plan(device, sizes)?;
    let pass = ConvBackwardFilter {
        conv: &of.conv,
        x: &of.x,
        dw: &of.w,
        dy: &of.y,
    };
    let bytes = |algorithm| pass.get_workspace_size(algorithm);
    let fastest = || match pass.pick_algorithm()? {
        ADDS_IN_ANY_ORDER | SO_DOES_THIS | WINOGRAD | WINOGRAD_NONFUSED if !is_3x3(sizes) => {
            this_or(BY_FFT, ANY_SIZES, bytes)
        }
        ADDS_IN_ANY_ORDER | SO_DOES_THIS => this_or(WINOGRAD_NONFUSED, ANY_SIZES, bytes),
        algorithm => Ok((algorithm, bytes(algorithm)?)),
    };
    let (algorithm, mut workspace) = chosen(device, &of.weight_gradient, fastest)?;
    // SAFETY: the slices are contiguous and of the sizes described.
    unsafe { pass.launch(algorithm, workspace.as_mut(), (1.0, 0.0), x, gw, gy) }
        .map_err(Error::wrap)
}

fn is_3x3(sizes: Sizes) -> bool {
    sizes.shape.kernel == [3, 3]
}

/// The algorithm, or `other` where it does not take the sizes, with the bytes of scratch
/// memory.
fn this_or<A: Copy>(
    algorithm: A,
    other: A,
    bytes: impl Fn(A) -> Answer<usize>,
) -> Answer<(A, usize)> {
    match bytes(algorithm) {
        Ok(bytes) => Ok((algorithm, bytes)),
        Err(_) => Ok((other, bytes(other)?)),
    }
}

/// A pass's algorithm, chosen on first use, and its scratch memory.
fn chosen<A: Copy>(
    device: &CudaDevice,
    known: &Chosen<A>,
    choose: impl FnOnce() -> Answer<(A, usize)>,
) -> Result<(A, Option<CudaSlice<u8>>)> {
    let (algorithm, bytes) = match known.get() {
        Some(known) => known,
        None => choose().map_err(Error::wrap)?,
    };
    known.set(Some((algorithm, bytes)));
    let workspace = (bytes > 0).then(|| output(device, bytes)).transpose()?;
    Ok((algorithm, workspace))
}

/// The plan for these sizes, kept for the next call on this thread: to describe sizes
/// and choose algorithms takes longer than a small layer.
fn plan(device: &CudaDevice, sizes: Sizes) -> Result<Rc<Plan>> {
    thread_local! {
        static KNOWN: RefCell<HashMap<(DeviceId, Sizes), Rc<Plan>>> = RefCell::default();
    }
    let key = (device.id(), sizes);
    if let Some(plan) = KNOWN.with_borrow(|known| known.get(&key).cloned()) {
        return Ok(plan);
    }
    let plan = Rc::new(describe(sizes, &cudnn(device)?)?);
    KNOWN.with_borrow_mut(|known| known.insert(key, Rc::clone(&plan)));
    Ok(plan)
}

fn describe(sizes: Sizes, cudnn: &Arc<Cudnn>) -> Result<Plan> {
    let format = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
    let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
    let dilation = [1, 1];
    let (padding, stride) = (ints(sizes.shape.padding)?, ints(sizes.shape.stride)?);
    let (input, weight) = (ints(sizes.input())?, ints(sizes.weight())?);
    let output = ints(sizes.output())?;
    let create = || -> Answer<_> {
        let mut conv = cudnn.create_conv2d::<f32>(padding, stride, dilation, mode)?;
        // The default lets recent GPUs round the factors to ten bits (TF32).
        conv.set_math_type(sys::cudnnMathType_t::CUDNN_FMA_MATH)?;
        Ok(Plan {
            conv,
            x: cudnn.create_4d_tensor(format, input)?,
            w: cudnn.create_4d_filter(format, weight)?,
            y: cudnn.create_4d_tensor(format, output)?,
            forward: Cell::default(),
            input_gradient: Cell::default(),
            weight_gradient: Cell::default(),
        })
    };
    create().map_err(Error::wrap)
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
