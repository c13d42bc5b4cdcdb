//! Ranks that are threads of this process.

use ablate_parallel::{Group, share, threads};

use super::follow::with;
use super::message;
use crate::Result;
use crate::jobs::pool;
use crate::plan::Datasets;

/// Has `lead` run on rank 0 of a group of `ranks` threads, each with an equal part
/// of the compute threads, while the others follow.
///
/// # Errors
/// That of `lead`, or threads that cannot be started.
pub(crate) fn on_threads<R: Send>(
    ranks: usize,
    data: &Datasets,
    lead: impl FnOnce(&dyn Group) -> Result<R> + Send,
) -> Result<R> {
    let all = rayon::current_num_threads();
    let fix = "give fewer machine.ranks";
    let pools = (0..ranks).map(|rank| pool(share(all, ranks, rank).len(), fix));
    let mut members = threads(ranks)
        .into_iter()
        .zip(pools.collect::<Result<Vec<_>>>()?);
    let Some((first, pool)) = members.next() else {
        return lead(&ablate_parallel::Alone);
    };
    // Rank 0's end is this closure's own: a panic of `lead` drops it, and the others, whom
    // the scope waits for, hear that it is gone.
    std::thread::scope(move |scope| {
        for (group, pool) in members {
            scope.spawn(move || {
                // What ends a rank early, rank 0 hears of when it next asks for it.
                if let Err(error) = pool.install(|| with(group.as_ref(), data)) {
                    tracing::error!("rank {}: {error}", group.rank());
                }
            });
        }
        let led = pool.install(|| lead(first.as_ref()));
        // A rank that is gone has failed the trial already.
        let _ = message::leave(first.as_ref());
        led
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use ablate_core::DataContext;

    use super::*;

    #[test]
    fn nobody_waits_for_a_leader_that_panics() {
        let (ended, ends) = channel();
        // Not scoped: where it hangs, the test is to fail.
        std::thread::spawn(move || {
            let data = Datasets::new(DataContext { roots: Vec::new() });
            let led = catch_unwind(AssertUnwindSafe(|| {
                on_threads(3, &data, |_| -> Result<()> { panic!("a plugin") })
            }));
            let _ = ended.send(led.is_err());
        });
        let panicked = ends.recv_timeout(Duration::from_secs(60));
        assert_eq!(panicked, Ok(true), "the panic goes on, and no rank waits");
    }
}
