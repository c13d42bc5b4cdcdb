//! Who runs the towers.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use ablate_core::{Error, Result};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The workers of a network.
#[derive(Debug, Default)]
pub(crate) enum Place {
    /// The caller's threads run all of them.
    #[default]
    Together,
    /// Each tower has threads of its own.
    Apart(Vec<ThreadPool>),
}

impl Place {
    /// Workers for as many towers, with equal shares of the threads there are
    /// and at least one each.
    ///
    /// # Errors
    /// The machine starts no more threads.
    pub fn apart(towers: usize) -> Result<Self> {
        let threads = (rayon::current_num_threads() / towers).max(1);
        let pool = |tower: usize| {
            let name = move |thread| format!("tower {tower}, thread {thread}");
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(name);
            pool.build().map_err(|problem| {
                Error::Other(format!(
                    "the workers' threads cannot be started: {problem}\n  fix: give fewer \
                     threads, or one worker"
                ))
            })
        };
        Ok(Self::Apart((0..towers).map(pool).collect::<Result<_>>()?))
    }

    /// Whether values that go from tower to tower go from worker to worker.
    pub fn is_apart(&self) -> bool {
        matches!(self, Self::Apart(_))
    }

    /// Lets every tower do its work; returns the results by tower.
    pub(super) fn each<W: Send, R: Send>(
        &self,
        work: Vec<W>,
        run: impl Fn(usize, W) -> R + Sync,
    ) -> Vec<R> {
        let work = work.into_iter().enumerate();
        match self {
            Self::Together => {
                // At once, so that threads that one tower leaves idle help the other.
                let work: Vec<_> = work.collect();
                let results = work.into_par_iter();
                results.map(|(tower, work)| run(tower, work)).collect()
            }
            // A thread that only waits for each pool: the pools' own threads never
            // wait for another tower, so that passes may overlap.
            Self::Apart(pools) => std::thread::scope(|scope| {
                let run = &run;
                let mut started = Vec::with_capacity(pools.len());
                for ((tower, work), pool) in work.zip(pools) {
                    started.push(scope.spawn(move || pool.install(|| run(tower, work))));
                }
                let join = |thread: ScopedJoinHandle<'_, R>| match thread.join() {
                    Ok(result) => result,
                    Err(panic) => resume_unwind(panic),
                };
                started.into_iter().map(join).collect()
            }),
        }
    }
}
