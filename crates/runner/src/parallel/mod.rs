//! One trial trained by several ranks, each on a share of every batch.
//!
//! A batch is worked on in parts (`training.parts`), whose gradients are added up by
//! halves. That is a trial's program, and part of its hash; how many ranks share the
//! parts (`machine.ranks`, or the processes of an MPI world) changes no bit. Rank 0
//! runs the trial as it would alone, store and all; the others [`follow`] it.

mod follow;
mod lead;
mod local;
mod message;
mod share;
mod work;

pub use follow::follow;
pub(crate) use lead::Lead;
pub(crate) use local::on_threads;
pub use message::leave;
pub(crate) use share::{Share, misfit};
pub(crate) use work::{Found, Work, norm};

use crate::Error;

impl From<ablate_parallel::Error> for Error {
    fn from(error: ablate_parallel::Error) -> Self {
        Self::Other(error.to_string())
    }
}
