//! The program with this project's plugins: `cargo xtask` here runs it.

// Plugins register themselves at link time; naming a crate links it.
use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_data as _;
use ablate_launchers as _;
use ablate_linear as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use my_plugin as _;

fn main() -> std::process::ExitCode {
    xtask::main(env!("CARGO_MANIFEST_DIR"))
}
