//! Ranks that train one network together: who they are, and what they tell each
//! other.
//!
//! A [`Group`] joins ranks `0..size`, of which rank 0 leads. They are threads of
//! one process ([`threads`]), or processes of an MPI world (the feature `mpi`). Whether
//! tensors lie on the host or on GPUs (the feature `nccl`) is [`Exchange`]'s. The crate
//! must never know what is summed or said: networks, configs and training
//! loops are the runner's.

mod alone;
mod error;
mod exchange;
mod link;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(feature = "nccl")]
mod nccl;
#[cfg(any(test, feature = "nccl"))]
mod row;
mod threads;
mod tree;
#[cfg(any(test, feature = "mpi", feature = "nccl"))]
mod worker;

use std::fmt::Debug;

pub use alone::Alone;
pub use error::{Error, Result};
pub use exchange::Exchange;
pub use link::{LINKS, Link};
#[cfg(feature = "mpi")]
pub use mpi::world;
pub use threads::threads;
pub use tree::{halves, share};

/// One rank's hold on its group.
///
/// Every rank calls the same operations in the same order: what one tells, the
/// others must be about to hear. An operation that cannot be completed, because
/// another rank is gone, is an error on every rank and not a wait for ever.
pub trait Group: Debug + Send + Sync {
    /// This rank, in `0..size`; rank 0 leads.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// This rank among those of the same machine, which share its GPUs.
    fn local_rank(&self) -> usize {
        self.rank()
    }

    /// Tells every other rank something (a broadcast); for rank 0 alone.
    ///
    /// # Errors
    /// A rank is gone.
    fn tell(&self, message: Vec<u8>) -> Result<()>;

    /// Waits for what rank 0 tells (a broadcast); for every other rank. Waiting takes next
    /// to no processor time.
    ///
    /// # Errors
    /// Rank 0 is gone, or does something else.
    fn hear(&self) -> Result<Vec<u8>>;

    /// Says something to rank 0 (a gather); for every other rank.
    ///
    /// # Errors
    /// Rank 0 is gone.
    fn report(&self, message: Vec<u8>) -> Result<()>;

    /// Waits for what each other rank reports (a gather), from rank 1 on; for rank 0 alone.
    ///
    /// # Errors
    /// A rank is gone, or does something else.
    fn reports(&self) -> Result<Vec<Vec<u8>>>;

    /// Replaces `values` by their sum over all ranks (an all-reduce): the same bits on every rank
    /// and with every kind of group, added up as [`halves`] says.
    ///
    /// # Errors
    /// A rank is gone, does something else, or has another number of values.
    fn sum(&self, values: Vec<f32>) -> Result<Vec<f32>>;
}
