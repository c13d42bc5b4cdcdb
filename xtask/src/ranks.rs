//! Whether this program is one of several processes that train together.

use std::ops::Deref;

use ablate_parallel::{Alone, Group};
use anyhow::{Context, bail};

use crate::workspace;

/// What MPI libraries and batch systems tell the processes they start: how many
/// there are.
const SIZES: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// This process as the one that leads: its group follows until this is dropped.
pub struct Leader(Box<dyn Group>);

impl Leader {
    /// Joins the other processes, where there are any. `None` is one of those, which
    /// has followed to the end.
    ///
    /// # Errors
    /// There are others, and the program was built without the means to join them.
    pub fn join() -> anyhow::Result<Option<Self>> {
        let group = world()?;
        if group.rank() == 0 {
            return Ok(Some(Self(group)));
        }
        // Rank 0 decides when to stop, and says so.
        ctrlc::set_handler(|| {}).context("the Ctrl-C handler cannot be set")?;
        ablate_runner::follow(group.as_ref(), workspace::data_context())?;
        Ok(None)
    }

    /// Refuses what processes cannot share.
    ///
    /// # Errors
    /// There are others, and trials are to run side by side or elsewhere.
    pub fn check(&self, jobs: usize, is_elsewhere: bool) -> anyhow::Result<()> {
        if self.size() > 1 && jobs > 1 {
            bail!(
                "--jobs {jobs}: {} processes train one trial together\n  fix: leave --jobs out",
                self.size()
            );
        }
        if self.size() > 1 && is_elsewhere {
            bail!(
                "--launcher: {} processes were started to train here\n  fix: start one process, without mpirun",
                self.size()
            );
        }
        Ok(())
    }
}

impl Deref for Leader {
    type Target = dyn Group;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if self.size() > 1 {
            // A rank that is gone needs no telling.
            let _ = ablate_runner::leave(self.0.as_ref());
        }
    }
}

/// The group that `mpirun` or a batch system put this process in.
fn world() -> anyhow::Result<Box<dyn Group>> {
    let size = |name: &&str| std::env::var(name).ok()?.parse::<usize>().ok();
    match SIZES.iter().find_map(size) {
        Some(size) if size > 1 => joined(size),
        _ => Ok(Box::new(Alone)),
    }
}

#[cfg(feature = "mpi")]
fn joined(_: usize) -> anyhow::Result<Box<dyn Group>> {
    Ok(ablate_parallel::world()?)
}

#[cfg(not(feature = "mpi"))]
fn joined(size: usize) -> anyhow::Result<Box<dyn Group>> {
    bail!(
        "{size} processes were started together, and this program was built without MPI\n  \
         fix: build it with `--features mpi` (docs/parallel.md), or start one process"
    )
}
