//! The Rust side of a kernel: one declaration makes the function that launches
//! it, the one that runs it on the CPU in tests, and a test that both take what
//! the source takes.

/// Declares the kernels of a source file.
///
/// The first parameter of every kernel is the number of threads that have work,
/// which the declaration leaves out. The other parameters are of the kinds that
/// [`c_type`] lists.
macro_rules! kernels {
    (
        source $source:literal;
        $( $(#[$doc:meta])* fn $name:ident( $($argument:ident: $kind:ident),+ $(,)? ); )+
    ) => {
        $(
            $(#[$doc])*
            #[cfg(feature = "cuda")]
            #[allow(clippy::too_many_arguments)] // as many as the kernel has
            pub(super) fn $name(
                device: &candle_core::CudaDevice,
                threads: usize,
                $($argument: $crate::cuda::device_type!($kind)),+
            ) -> candle_core::Result<()> {
                use candle_core::cuda_backend::cudarc::driver::PushKernelArg as _;
                let Some(grid) = $crate::cuda::grid(threads)? else {
                    return Ok(());
                };
                let function = $crate::cuda::function(device, stringify!($name))?;
                let stream = device.cuda_stream();
                let mut launch = stream.launch_builder(&function);
                launch.arg(&threads);
                $( launch.arg($crate::cuda::device_argument!($kind, $argument)); )+
                // SAFETY: a test holds the types against the kernel's own, and the
                // callers pass views as long as the sizes beside them say.
                unsafe { launch.launch(grid) }
                    .map(drop)
                    .map_err(candle_core::Error::wrap)
            }
        )+

        /// The same kernels, compiled for the CPU.
        #[cfg(test)]
        pub(super) mod on_host {
            $(
                #[allow(clippy::too_many_arguments)] // as many as the kernel has
                pub(in super::super) fn $name(
                    kernels: &$crate::cuda::HostKernels,
                    threads: usize,
                    $($argument: $crate::cuda::host_type!($kind)),+
                ) {
                    use $crate::cuda::{HostArgument as _, LentArgument as _};
                    $( let mut $argument = $argument.lend(); )+
                    kernels.run(stringify!($name), threads, |kernel, threads| {
                        // SAFETY: a test holds the types against the kernel's own.
                        unsafe {
                            let kernel: unsafe extern "C" fn(
                                u64,
                                $($crate::cuda::raw_type!($kind)),+
                            ) = std::mem::transmute(kernel);
                            kernel(threads, $( $argument.raw() ),+);
                        }
                    });
                    $( $argument.give_back(); )+
                }
            )+
        }

        #[test]
        fn the_declarations_match_the_source() {
            let declared: Vec<(String, Vec<String>)> = vec![$((
                stringify!($name).to_string(),
                ["Count", $($crate::cuda::c_type!($kind)),+].map(String::from).to_vec(),
            )),+];
            assert_eq!(declared, $crate::cuda::declared(include_str!($source)));
        }
    };
}

/// How the source writes each kind of parameter.
#[cfg(test)]
macro_rules! c_type {
    (Floats) => {
        "const float *"
    };
    (FloatsMut) => {
        "float *"
    };
    (Doubles) => {
        "const double *"
    };
    (DoublesMut) => {
        "double *"
    };
    (Words) => {
        "const Word *"
    };
    (WordsMut) => {
        "Word *"
    };
    (Count) => {
        "Count"
    };
    (Key) => {
        "Count"
    };
    (Word) => {
        "Word"
    };
    (Float) => {
        "float"
    };
}

/// What a launch takes for each kind of parameter.
#[cfg(feature = "cuda")]
macro_rules! device_type {
    (Floats) => { &candle_core::cuda_backend::cudarc::driver::CudaView<'_, f32> };
    (FloatsMut) => { &mut candle_core::cuda_backend::cudarc::driver::CudaViewMut<'_, f32> };
    (Doubles) => { &candle_core::cuda_backend::cudarc::driver::CudaView<'_, f64> };
    (DoublesMut) => { &mut candle_core::cuda_backend::cudarc::driver::CudaViewMut<'_, f64> };
    (Words) => { &candle_core::cuda_backend::cudarc::driver::CudaView<'_, u32> };
    (WordsMut) => { &mut candle_core::cuda_backend::cudarc::driver::CudaViewMut<'_, u32> };
    (Count) => { usize };
    (Key) => { u64 };
    (Word) => { u32 };
    (Float) => { f32 };
}

/// The argument as a launch pushes it.
#[cfg(feature = "cuda")]
macro_rules! device_argument {
    (Count, $argument:ident) => {
        &$argument
    };
    (Key, $argument:ident) => {
        &$argument
    };
    (Word, $argument:ident) => {
        &$argument
    };
    (Float, $argument:ident) => {
        &$argument
    };
    ($view:ident, $argument:ident) => {
        $argument
    };
}

/// What a run on the CPU takes for each kind of parameter.
#[cfg(test)]
macro_rules! host_type {
    (Floats) => {
        &[f32]
    };
    (FloatsMut) => {
        &mut [f32]
    };
    (Doubles) => {
        &[f64]
    };
    (DoublesMut) => {
        &mut [f64]
    };
    (Words) => {
        &[u32]
    };
    (WordsMut) => {
        &mut [u32]
    };
    (Count) => {
        usize
    };
    (Key) => {
        u64
    };
    (Word) => {
        u32
    };
    (Float) => {
        f32
    };
}

/// The same as the kernel takes it.
#[cfg(test)]
macro_rules! raw_type {
    (Floats) => { *const f32 };
    (FloatsMut) => { *mut f32 };
    (Doubles) => { *const f64 };
    (DoublesMut) => { *mut f64 };
    (Words) => { *const u32 };
    (WordsMut) => { *mut u32 };
    (Count) => { u64 };
    (Key) => { u64 };
    (Word) => { u32 };
    (Float) => { f32 };
}

pub(crate) use kernels;
#[cfg(test)]
pub(crate) use {c_type, host_type, raw_type};
#[cfg(feature = "cuda")]
pub(crate) use {device_argument, device_type};
