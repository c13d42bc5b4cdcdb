//! Where the threads are put to work.

use rayon::prelude::*;

/// What runs in parallel. Either gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parallel {
    /// Tasks, each on one thread, so that its values stay in that core's cache.
    Tasks,
    /// The convolutions of one task after the other, where there are more
    /// threads than tasks.
    Kernels,
}

impl Parallel {
    /// The better way to run `tasks` tasks on the threads there are.
    pub fn over(tasks: usize) -> Self {
        match tasks >= rayon::current_num_threads() {
            true => Self::Tasks,
            false => Self::Kernels,
        }
    }

    /// Runs all tasks.
    pub fn run<T: Send>(self, tasks: Vec<T>, work: impl Fn(T) + Sync + Send) {
        match self {
            Self::Tasks => tasks.into_par_iter().for_each(work),
            Self::Kernels => tasks.into_iter().for_each(work),
        }
    }

    /// How many tasks run at a time.
    pub fn lanes(self) -> usize {
        match self {
            Self::Tasks => rayon::current_num_threads(),
            Self::Kernels => 1,
        }
    }
}
