//! Whether the batch system answers: one that did may be away for a while, as when its
//! controller starts anew.

use std::time::{Duration, Instant};

use ablate_core::Launcher;

use super::Tasks;
use super::ledger::Ledger;
use crate::Result;

/// How long it may be away.
const PATIENCE: Duration = Duration::from_mins(30);

/// When it was last heard of.
#[derive(Default)]
pub(super) struct Contact {
    heard: Option<Instant>,
    is_lost: bool,
}

impl Contact {
    /// Where the tasks of all jobs are; `None` while there is no answer, which `tell`
    /// is told once.
    ///
    /// # Errors
    /// It has never answered, or not for too long.
    pub fn ask(
        &mut self,
        ledger: &mut Ledger,
        launcher: &dyn Launcher,
        tell: impl FnOnce(&str),
    ) -> Result<Option<Tasks>> {
        match ledger.ask(launcher) {
            Ok(tasks) => {
                self.heard = Some(Instant::now());
                self.is_lost = false;
                Ok(Some(tasks))
            }
            Err(error) if self.heard.is_some_and(|at| at.elapsed() < PATIENCE) => {
                if !std::mem::replace(&mut self.is_lost, true) {
                    tell(&format!("asking again until there is an answer: {error}"));
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
