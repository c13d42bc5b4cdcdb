//! The kernels compiled for the CPU by the system's C++ compiler, for tests.
//!
//! Both compilers are told not to contract products and sums, so what the CPU
//! computes is what a GPU computes, but for the last bits of `tanh`, `exp`,
//! `log` and `pow`. What this cannot show is how a launch goes.

use std::ffi::c_void;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libloading::Library;

use super::{BLOCK, SOURCE};

/// The kernels in a loaded library.
pub(crate) struct HostKernels(Library);

/// The compiled kernels. Prints why there are none where the machine has no
/// compiler for itself; tests then have nothing to do.
///
/// # Panics
/// When the compiler refuses the source.
pub(crate) fn host_kernels() -> Option<&'static HostKernels> {
    static COMPILED: OnceLock<Result<HostKernels, String>> = OnceLock::new();
    match COMPILED.get_or_init(compile) {
        Ok(kernels) => Some(kernels),
        Err(reason) => {
            eprintln!("skipped: {reason}; install a C++ compiler or name one in CXX");
            None
        }
    }
}

fn compile() -> Result<HostKernels, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("kernels.so");
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_string());
    let mut run = Command::new(&compiler)
        .args(["-std=c++17", "-O2", "-ffp-contract=off"])
        .args(["-shared", "-fPIC", "-x", "c++", "-", "-o"])
        .arg(&library)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{compiler}` does not start ({error})"))?;
    let mut input = run.stdin.take().expect("was asked for");
    let source = [include_str!("shim.h"), SOURCE].concat();
    input
        .write_all(source.as_bytes())
        .expect("the compiler reads");
    drop(input);
    assert!(
        run.wait().expect("the compiler ends").success(),
        "the kernels do not compile as C++"
    );
    // An emulated program may have found the compiler of the machine around it.
    // SAFETY: nothing runs when the library is loaded.
    match unsafe { Library::new(library) } {
        Ok(library) => Ok(HostKernels(library)),
        Err(error) => Err(format!("what `{compiler}` makes does not load ({error})")),
    }
}

impl HostKernels {
    /// Calls the kernel as every thread of a launch for `threads`, those beyond
    /// included that fill up the last block. `call` gets the kernel's address.
    pub fn run(&self, name: &str, threads: usize, mut call: impl FnMut(*const c_void, u64)) {
        type BeThread = unsafe extern "C" fn(u32, u32, u32);
        // SAFETY: the type is that in the shim; the kernel's is the caller's business.
        let (be_thread, kernel) = unsafe {
            (
                self.0.get::<BeThread>(b"be_thread").expect("in the shim"),
                self.0
                    .get::<*const c_void>(name.as_bytes())
                    .expect("in the source"),
            )
        };
        let blocks = u32::try_from(threads.div_ceil(BLOCK as usize)).expect("a small test");
        for block in 0..blocks {
            for thread in 0..BLOCK {
                // SAFETY: sets three numbers of this thread.
                unsafe { be_thread(block, thread, BLOCK) };
                call(*kernel, threads as u64);
            }
        }
    }
}

/// The kernels a source defines, each with the types of its parameters.
pub(crate) fn declared(source: &str) -> Vec<(String, Vec<String>)> {
    let kernels = source.split("extern \"C\" __global__ void ").skip(1);
    kernels
        .map(|text| {
            let (name, rest) = text.split_once('(').expect("parameters");
            let (parameters, _) = rest.split_once(')').expect("their end");
            let types = parameters.split(',').map(|parameter| {
                let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                parameter.trim().trim_end_matches(name).trim().to_string()
            });
            (name.to_string(), types.collect())
        })
        .collect()
}
