//! `cargo xtask`: the command line of `ablate`.

// Plugins register themselves at link time; naming a crate links it. A crate of
// your own goes here too, in one line.
use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_data as _;
use ablate_launchers as _;
use ablate_linear as _;
use ablate_metrics as _;
use ablate_optimisers as _;

fn main() -> std::process::ExitCode {
    xtask::main(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
