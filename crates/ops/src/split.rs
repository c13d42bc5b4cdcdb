//! Whether a kernel keeps to the thread that calls it.

/// Who computes. The choice changes no bit of what a kernel gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The calling thread alone, so that a caller can take a block of images through
    /// several layers while it is in that core's cache.
    Never,
    /// All threads of rayon's current pool.
    Threads,
}

impl Split {
    /// The least items of a job, for rayon's `with_min_len`.
    pub fn min_len(self) -> usize {
        match self {
            Self::Never => usize::MAX,
            Self::Threads => 1,
        }
    }
}
