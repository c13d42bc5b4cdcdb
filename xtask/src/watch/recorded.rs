//! A watcher that keeps the store's index up to date beside another watcher.

use std::path::{Path, PathBuf};

use ablate_index::Index;
use ablate_runner::{Event, Observer, Plan, PlannedTrial};
use ablate_store::{Trial, trial_name};

/// Takes down in the index where trials begin and end. The index is derived, so
/// that it cannot be written is a warning and no more.
pub struct Recorded {
    watcher: Box<dyn Observer>,
    store: PathBuf,
    /// The folder of the plan's trials.
    folder: PathBuf,
    index: State,
}

enum State {
    Unopened,
    Open(Box<Index>),
    /// It has been said why.
    Unusable,
}

impl Recorded {
    /// Beside `watcher`, for the trials of `plan`.
    pub fn new(watcher: Box<dyn Observer>, plan: &Plan, store: &Path) -> Self {
        Self {
            watcher,
            store: store.to_path_buf(),
            folder: plan.path(store),
            index: State::Unopened,
        }
    }

    /// Takes down the groups of ensembles among the trials of a run, and ends the
    /// watching.
    pub fn end(mut self, trials: &[Trial]) {
        let mut messages = Vec::new();
        for group in trials.iter().filter(|trial| !trial.members.is_empty()) {
            let name = trial_name(&group.variant, group.seed, &group.hash);
            messages.extend(self.record(&name));
        }
        // A live view would take what is printed with it.
        drop(self);
        for message in messages {
            eprintln!("warning: {message}");
        }
    }

    /// Takes down a trial; returns what there is to say.
    fn record(&mut self, name: &str) -> Vec<String> {
        if matches!(self.index, State::Unopened) {
            self.index = match Index::to_record(&self.store) {
                Ok(index) => State::Open(Box::new(index)),
                Err(error) => return self.give_up(&error),
            };
        }
        let State::Open(index) = &mut self.index else {
            return Vec::new();
        };
        match index.record(&self.folder.join(name)) {
            Ok(()) => {
                tracing::debug!("taken down in the index");
                index.take_notes()
            }
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&mut self, error: &ablate_index::Error) -> Vec<String> {
        self.index = State::Unusable;
        vec![format!(
            "the store's index is not kept up to date, which loses nothing: {error}"
        )]
    }

    fn begins_or_ends(&mut self, trial: &PlannedTrial) {
        let name = trial.folder_name();
        for message in self.record(&name) {
            let message = &message;
            self.watcher.notice(Event::Warning { trial, message });
        }
    }
}

impl Observer for Recorded {
    fn notice(&mut self, event: Event) {
        self.watcher.notice(event);
        if let Event::Started { trial, .. } | Event::Ended { trial, .. } = event {
            self.begins_or_ends(trial);
        }
    }
}
