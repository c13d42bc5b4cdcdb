//! Trials side by side, which share the machine's threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ablate_parallel::share;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Event, Observer, Result, RunOptions};

/// An observer of several trials at once.
struct Shared<'a, 'o>(&'a Mutex<&'o mut dyn Observer>);

impl Observer for Shared<'_, '_> {
    fn notice(&mut self, event: Event) {
        // A panic in the observer leaves it as good as it was.
        let mut observer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observer.notice(event);
    }
}

/// Has `run` run every trial, [`RunOptions::jobs`] at a time, and returns them in
/// the given order. None begins once a stop is asked for or one has met an error.
///
/// # Errors
/// The first error of `run`, or threads that cannot be started.
pub(crate) fn work_off<T: Sync, R: Send>(
    planned: &[T],
    options: &RunOptions,
    observer: &mut dyn Observer,
    run: impl Fn(&T, &mut dyn Observer) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let threads = rayon::current_num_threads();
    let jobs = options.jobs.clamp(1, threads).min(planned.len());
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |observer: &mut dyn Observer| -> Result<Vec<(usize, R)>> {
        let mut trials = Vec::new();
        while !options.control.is_stopping() && !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(planned) = planned.get(index) else {
                break;
            };
            let trial =
                run(planned, observer).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            trials.push((index, trial));
        }
        Ok(trials)
    };
    let mut trials = if jobs <= 1 {
        work(observer)?
    } else {
        let observer = Mutex::new(observer);
        let job = |job: usize| {
            let pool = pool(share(threads, jobs, job).len(), "give fewer `--jobs`")?;
            pool.install(|| work(&mut Shared(&observer)))
        };
        let job = &job;
        let ended: Vec<_> = std::thread::scope(|scope| {
            let jobs: Vec<_> = (0..jobs)
                .map(|index| scope.spawn(move || job(index)))
                .collect();
            jobs.into_iter().map(|job| job.join()).collect()
        });
        let mut trials = Vec::new();
        for ended in ended {
            trials.extend(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        trials
    };
    trials.sort_by_key(|(index, _)| *index);
    Ok(trials.into_iter().map(|(_, trial)| trial).collect())
}

/// Threads of their own for a part of the work; one at least.
///
/// # Errors
/// They cannot be started; the message ends with `fix`.
pub(crate) fn pool(threads: usize, fix: &str) -> Result<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map_err(|error| Error::Other(format!("threads cannot be started: {error}\n  fix: {fix}")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use ablate_parallel::Alone;

    use crate::{Control, Nobody};

    fn options(jobs: usize) -> RunOptions<'static> {
        RunOptions {
            store: Path::new(""),
            control: Control::default(),
            jobs,
            group: &Alone,
        }
    }

    /// Runs tests on four threads, however many the machine has.
    fn on_four<R: Send>(run: impl FnOnce() -> R + Send) -> R {
        let pool = ThreadPoolBuilder::new().num_threads(4).build();
        pool.expect("threads").install(run)
    }

    #[test]
    fn jobs_share_the_threads_and_keep_the_order() {
        for (jobs, most) in [(1, 4), (2, 2), (3, 2), (4, 1), (9, 1)] {
            let planned: Vec<u64> = (0..20).collect();
            let (at_once, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let run = |trial: &u64, _: &mut dyn Observer| {
                peak.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Later ones are done sooner.
                std::thread::sleep(std::time::Duration::from_millis(3 - trial % 3));
                at_once.fetch_sub(1, Ordering::SeqCst);
                Ok((*trial, rayon::current_num_threads()))
            };
            let done = on_four(|| work_off(&planned, &options(jobs), &mut Nobody, run));
            let (order, threads): (Vec<_>, Vec<_>) = done.expect("run").into_iter().unzip();
            assert_eq!(order, planned, "{jobs} jobs");
            assert_eq!(threads.into_iter().max(), Some(most), "{jobs} jobs");
            assert_eq!(peak.into_inner(), jobs.min(4), "{jobs} jobs");
        }
    }

    #[test]
    fn none_begins_after_an_error_or_a_stop() {
        let planned: Vec<usize> = (0..100).collect();
        for jobs in [1, 3] {
            let begun = AtomicUsize::new(0);
            let fails = |trial: &usize, _: &mut dyn Observer| {
                begun.fetch_add(1, Ordering::Relaxed);
                match trial {
                    5 => Err(Error::Other("the disk is full".to_string())),
                    _ => {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        Ok(())
                    }
                }
            };
            let ended = on_four(|| work_off(&planned, &options(jobs), &mut Nobody, fails));
            assert!(ended.is_err_and(|error| error.to_string() == "the disk is full"));
            assert!(begun.into_inner() < 50, "{jobs} jobs");

            let options = options(jobs);
            let stops = |trial: &usize, _: &mut dyn Observer| {
                if *trial == 5 {
                    options.control.stop();
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
                Ok(*trial)
            };
            let done = on_four(|| work_off(&planned, &options, &mut Nobody, stops)).expect("run");
            assert!((6..50).contains(&done.len()), "{jobs} jobs: {}", done.len());
            assert_eq!(done, planned[..done.len()]);
        }
    }
}
