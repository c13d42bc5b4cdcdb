//! The whole network as one candle operation over reused buffers: float32 on
//! the CPU. Not here: other devices and types, which take the chain of
//! operations in `chain`.
//!
//! Layers on maps run depth first: a task takes some blocks of sixteen images,
//! one after the other, through all of them (`maps`). Layers on rows of features
//! run on the whole batch (`rows`).

mod conv_plans;
mod execute;
mod gradients;
mod maps;
mod maps_backward;
mod network;
mod op;
mod plan;
mod record;
mod rows;
mod sums;
mod threads;
mod trace;
mod values;

pub(crate) use execute::Backward;
pub(crate) use gradients::LayerGradients;
pub(crate) use network::Network;
pub(crate) use op::run;
pub(crate) use record::{Output, record};
pub(crate) use trace::Trace;
pub(crate) use values::{Buffers, Floats, Saved, take_front};

/// Which way a pass goes.
#[derive(Clone, Copy, Debug)]
enum Direction {
    Forward,
    Backward,
}
