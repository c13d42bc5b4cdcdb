//! The run store as the commands about stored trials see it: which trials they are
//! asked about, and how they print them.

mod cell;
mod confirm;
mod defaults;
mod filter;
mod flat;
mod parquet;
mod table;

use std::path::{Path, PathBuf};

use ablate_index::Index;
use anyhow::Context;

use crate::workspace;

pub use cell::{bytes, percent, text, when};
pub use confirm::confirm;
pub use defaults::{Leaves, defaults};
pub use filter::Filter;
pub use flat::{Column, FIELDS, Flat, VALUES, field};
pub use parquet::write as write_parquet;
pub use table::table;

/// Where the trials are.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Store {
    /// The run store; without it, `runs/` in the project.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

impl Store {
    /// The store's folder.
    pub fn folder(&self) -> PathBuf {
        workspace::store(self.store.as_deref())
    }

    /// Its index, up to date. What there is to say of the index goes to standard error.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn index(&self) -> anyhow::Result<Index> {
        open(&self.folder())
    }
}

fn open(folder: &Path) -> anyhow::Result<Index> {
    let mut index = Index::open(folder)?;
    say_notes(&mut index);
    Ok(index)
}

/// Prints what there is to say of the index itself.
pub fn say_notes(index: &mut Index) {
    for note in index.take_notes() {
        eprintln!("warning: {note}");
    }
}

/// Writes text to standard output at once, which for many lines is quicker.
pub fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever read it has seen enough, as `head` has.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output cannot be written"),
    }
}
