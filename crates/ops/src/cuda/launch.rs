//! Compiling the kernels and finding them on a GPU.

use std::sync::OnceLock;

use candle_core::cuda_backend::cudarc::driver::{CudaFunction, LaunchConfig};
use candle_core::cuda_backend::cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};
use candle_core::{CudaDevice, Result, bail};

use super::{BLOCK, SOURCE};

/// A count is passed as it is, and the kernels take 64 bits.
const _: () = assert!(size_of::<usize>() == size_of::<u64>());

/// A kernel by name, loaded to the GPU on first use.
///
/// # Errors
/// The sources do not compile, or the driver refuses the result.
pub(crate) fn function(device: &CudaDevice, kernel: &str) -> Result<CudaFunction> {
    let function = device.get_or_load_custom_func(kernel, "ablate", ptx()?)?;
    Ok(function.into_cuda_function())
}

/// A grid of at least so many threads; `None` for none at all.
///
/// # Errors
/// More than a grid can have.
pub(crate) fn grid(threads: usize) -> Result<Option<LaunchConfig>> {
    if threads == 0 {
        return Ok(None);
    }
    // The limit of a grid is that of a signed number.
    let blocks = threads.div_ceil(BLOCK as usize);
    let Ok(blocks) = i32::try_from(blocks) else {
        bail!("a tensor of {threads} values is too large for the GPU kernels; use a smaller batch")
    };
    Ok(Some(LaunchConfig {
        grid_dim: (blocks.unsigned_abs(), 1, 1),
        block_dim: (BLOCK, 1, 1),
        shared_mem_bytes: 0,
    }))
}

/// The kernels for any GPU; the driver makes its GPU's own code of them.
fn ptx() -> Result<&'static str> {
    static PTX: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let compiled = PTX.get_or_init(|| {
        let options = CompileOptions {
            name: Some("ablate.cu".to_string()),
            // Every product is rounded before it is added, as on the CPU: these
            // kernels wait for memory, and equal results are worth more.
            fmad: Some(false),
            ..CompileOptions::default()
        };
        match compile_ptx_with_opts(SOURCE, options) {
            Ok(ptx) => Ok(ptx.to_src()),
            Err(error) => Err(error.to_string()),
        }
    });
    match compiled {
        Ok(ptx) => Ok(ptx),
        Err(problem) => bail!("the GPU kernels do not compile: {problem}"),
    }
}
