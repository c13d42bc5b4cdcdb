//! Malformed input for every reader of the program: each must give an error or a
//! value, and neither panic, nor take memory its input does not justify, nor hang.
//!
//! A plain run makes a few hundred inputs a target. The long run:
//!
//! ```text
//! ABLATE_FUZZ=1000000 cargo test --release --workspace --test fuzz shards -- --nocapture
//! ```
//!
//! Inputs are drawn from the seed `ABLATE_FUZZ_SEED` (0). One that panics is kept in
//! `target/tmp/fuzz/`; one that ends the process, for want of memory or by the time
//! limit, lies in `/dev/shm/ablate-fuzz/` (or the folder for temporary files).
//! `ABLATE_FUZZ_INPUT=FILE` runs it alone, and `ABLATE_FUZZ_SHOW=1` lists the answers.

#[path = "../archive.rs"]
mod archive;
mod change;
mod engine;
mod files;
mod guard;
mod outcomes;
mod repair;
mod scratch;
mod seeds;
mod targets;
mod text;

// Plugins register themselves; what a program does not name is not linked.
use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_launchers as _;
use ablate_linear as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_tests as _;

/// Ends the process where an input takes more memory than its target grants.
#[global_allocator]
static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);
