//! What a person asks of a run while it goes on: to stop, to pause, to leave out a
//! trial. None of it changes a bit of what a trial ends with.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::PlannedTrial;

/// The wishes of whoever watches a run; its clones are the same one, to be held by
/// a signal handler, a view and the run.
///
/// A run looks at it after each step and before each trial.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wishes: Mutex<Wishes>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wishes {
    is_stopping: bool,
    is_paused: bool,
    /// Trials to do without, by the name of their folder.
    left: HashSet<String>,
    /// How often any of it has changed.
    changes: u64,
}

impl Control {
    /// Asks the run to stop, also a paused one; its trials save checkpoints first.
    pub fn stop(&self) {
        self.wish(|wishes| wishes.is_stopping = true);
    }

    /// Whether someone asked the run to stop.
    pub fn is_stopping(&self) -> bool {
        self.wishes().is_stopping
    }

    /// Has the trials wait after their step, with a checkpoint saved, until
    /// [`resume`](Self::resume).
    pub fn pause(&self) {
        self.wish(|wishes| wishes.is_paused = true);
    }

    /// Lets the trials go on.
    pub fn resume(&self) {
        self.wish(|wishes| wishes.is_paused = false);
    }

    /// Whether the trials wait, or soon will.
    pub fn is_paused(&self) -> bool {
        self.wishes().is_paused
    }

    /// Has the run do without a trial: one that trains stops with a checkpoint, one
    /// that has not begun does not begin. A later run goes on with it.
    pub fn leave(&self, trial: &PlannedTrial) {
        self.wish(|wishes| {
            wishes.left.insert(trial.folder_name());
        });
    }

    /// Takes [`leave`](Self::leave) back, for a trial that has not begun.
    pub fn take_back(&self, trial: &PlannedTrial) {
        self.wish(|wishes| {
            wishes.left.remove(&trial.folder_name());
        });
    }

    /// Whether the run does without this trial.
    pub fn is_left(&self, trial: &PlannedTrial) -> bool {
        self.wishes().lacks(trial)
    }

    /// Whether the trial may train another step; waits while the run is paused.
    pub(crate) fn may_go_on(&self, trial: &PlannedTrial) -> bool {
        let ends = |wishes: &Wishes| wishes.is_stopping || wishes.lacks(trial);
        let mut wishes = self.wishes();
        while wishes.is_paused && !ends(&wishes) {
            wishes = self
                .0
                .changed
                .wait(wishes)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !ends(&wishes)
    }

    /// How often something was asked for, to [`wait`](Self::wait) for more.
    pub(crate) fn changes(&self) -> u64 {
        self.wishes().changes
    }

    /// Waits, no longer than `most`, until something is asked for that was not among the
    /// first `seen` changes.
    pub(crate) fn wait(&self, seen: u64, most: Duration) {
        let nothing_new = |wishes: &mut Wishes| wishes.changes == seen;
        let wishes = self.wishes();
        let _ = self.0.changed.wait_timeout_while(wishes, most, nothing_new);
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        let mut wishes = self.wishes();
        change(&mut wishes);
        wishes.changes += 1;
        drop(wishes);
        self.0.changed.notify_all();
    }

    /// A thread that panicked left nothing half done in here.
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wishes {
    /// Asked at every step, and of every trial for every frame of a view, and mostly
    /// there is none to do without.
    fn lacks(&self, trial: &PlannedTrial) -> bool {
        !self.left.is_empty() && self.left.contains(&trial.folder_name())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_wish_ends_a_wait_also_one_from_before_it() {
        let hour = Duration::from_hours(1);
        let control = Control::default();
        let seen = control.changes();
        let begun = Instant::now();
        let other = control.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                other.stop();
            });
            control.wait(seen, hour);
        });
        assert!(control.is_stopping());
        // It came between the look and the wait.
        control.wait(seen, hour);
        assert!(begun.elapsed() < hour / 2);
        let begun = Instant::now();
        control.wait(control.changes(), Duration::from_millis(20));
        assert!(
            begun.elapsed() >= Duration::from_millis(20),
            "nothing was asked for"
        );
    }
}
