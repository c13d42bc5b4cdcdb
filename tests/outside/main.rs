//! The program a plugin author builds: link the crates, call `xtask::main`.

use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_data as _;
use ablate_launchers as _;
use ablate_linear as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_tests as _;

fn main() -> std::process::ExitCode {
    xtask::main(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
