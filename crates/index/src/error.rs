//! What can go wrong with the index or with a question to it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The index cannot be read or written.
    #[error("{}: {source}\n  fix: delete it; it is built again from the trials' folders", path.display())]
    Sqlite {
        /// The index file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The store cannot be read.
    #[error("{}: {source}\n  fix: check the path, or name another store with `--store DIR`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A condition is not understood.
    #[error("`{text}`: {problem}\n  fix: {fix}")]
    Condition {
        /// The condition.
        text: String,
        /// What is wrong.
        problem: String,
        /// What the user can do.
        fix: String,
    },
    /// No trial has such a key.
    #[error("`{key}`: no trial in the store has this key\n  fix: {fix}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest one.
        fix: String,
    },
    /// No trial has such a name.
    #[error("`{name}`: no such trial in {}\n  fix: {fix}", store.display())]
    UnknownTrial {
        /// What was asked for.
        name: String,
        /// The store.
        store: PathBuf,
        /// What the user can do.
        fix: String,
    },
    /// Several trials have such a name.
    #[error(
        "`{name}` is the start of {count} trials:\n{list}\n  fix: give more of the name, or the path"
    )]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many there are.
        count: usize,
        /// Some of them, a line each.
        list: String,
    },
}

/// What to do about a failure of SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The file is damaged or not what this program wrote: begin it again.
    Reset,
    /// The file cannot be opened or written: do without.
    DoWithout,
}

/// What to do about `error`.
pub(crate) fn remedy(error: &rusqlite::Error) -> Remedy {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OutOfMemory,
        ) => Remedy::DoWithout,
        // Not a database, damaged pages, tables of another program, or values of
        // types that were never written.
        _ => Remedy::Reset,
    }
}
