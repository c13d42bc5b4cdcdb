//! What can go wrong between ranks.

/// Why ranks cannot go on together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another rank ended, or was killed.
    #[error("rank {0} is gone; its own messages say why")]
    Gone(usize),
    /// Two ranks do different things at once.
    #[error(
        "rank {rank} did something else than {wanted}\n  fix: start every rank with the same program and the same command"
    )]
    OutOfStep {
        /// The other rank.
        rank: usize,
        /// What it should have done.
        wanted: &'static str,
    },
    /// The MPI library says no.
    #[error("MPI: {0}")]
    Mpi(String),
    /// NCCL says no.
    #[error("NCCL: {0}")]
    Nccl(String),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
