//! Kernels for NVIDIA GPUs, as far as the operations share them. Each operation
//! has the source of its own in `kernels.cu` and declares it in `kernels.rs`.
//!
//! All sources together are compiled once, when a GPU first runs one of them.
//! The tests compile the same text for the CPU and compare it with the CPU
//! kernels, so a GPU is not needed to find a mistake in the arithmetic.

#[cfg(feature = "cuda")]
mod copier;
#[cfg(feature = "cuda")]
mod cudnn;
mod declare;
#[cfg(test)]
mod host;
#[cfg(feature = "cuda")]
mod launch;
#[cfg(test)]
mod lent;
#[cfg(feature = "cuda")]
mod operands;

#[cfg(feature = "cuda")]
pub(crate) use copier::Copier;
#[cfg(feature = "cuda")]
pub(crate) use cudnn::cudnn;
pub(crate) use declare::*;
#[cfg(test)]
pub(crate) use host::{HostKernels, declared, host_kernels};
#[cfg(feature = "cuda")]
pub(crate) use launch::{function, grid};
#[cfg(test)]
pub(crate) use lent::{HostArgument, LentArgument};
#[cfg(feature = "cuda")]
pub(crate) use operands::{InPlace, floats, only_on_a_gpu, output};

/// Every kernel, as one source.
const SOURCE: &str = concat!(
    include_str!("prelude.cuh"),
    include_str!("../activation/kernels.cu"),
    include_str!("../conv/kernels.cu"),
    include_str!("../dropout/kernels.cu"),
    include_str!("../loss/kernels.cu"),
    include_str!("../lrn/kernels.cu"),
    include_str!("../pool/kernels.cu"),
    include_str!("../update/kernels.cu"),
);

/// Threads of a block.
const BLOCK: u32 = 256;
