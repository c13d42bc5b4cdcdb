//! What can go wrong with stored runs.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A run store that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}\n  fix: {}", path.display(), advice(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A stored file does not read back.
    #[error("{}: {problem}\n  fix: {fix}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What the user can do.
        fix: String,
    },
    /// It is not the store's to remove.
    #[error("{}: {problem}\n  fix: remove it by hand, if it is to go", path.display())]
    Outside {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// Another process is training this trial.
    #[error("{}: another process is running this trial\n  fix: wait for it, or stop it", path.display())]
    Busy {
        /// The trial's folder.
        path: PathBuf,
    },
}

impl Error {
    /// What the file system said, with the file it said it of.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }
}

fn advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space and run the same command again; it goes on from the last checkpoint"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "make the store writable, or choose a folder you can write to with `--store DIR`"
        }
        _ => "check the path and run the same command again",
    }
}
