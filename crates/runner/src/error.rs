//! What can end a run early.

use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A run that cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A config key is wrong; the message names its file, the key and the fix.
    #[error("{origin}: `{key}`: {problem}\n  fix: {fix}")]
    Config {
        /// The file (and table), variable or option the key came from.
        origin: String,
        /// The whole dotted key.
        key: String,
        /// What is wrong.
        problem: String,
        /// What the user can do.
        fix: String,
    },
    /// A config file cannot be read at all.
    #[error("{}: {problem}\n  fix: {fix}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What the user can do.
        fix: String,
    },
    /// A plugin failed.
    #[error(transparent)]
    Plugin(#[from] ablate_core::Error),
    /// The run store failed.
    #[error(transparent)]
    Store(#[from] ablate_store::Error),
    /// TensorBoard events cannot be written.
    #[error("{}: TensorBoard events cannot be written\n  fix: free some space, or make the folder writable, and run the same command again", folder.join("events.out.*").display())]
    Events {
        /// The trial's folder.
        folder: PathBuf,
    },
    /// Anything else, in its own words.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// A config key that is wrong; `origin` is the file (and table), variable or option it
    /// came from.
    pub(crate) fn config(
        origin: impl ToString,
        key: impl ToString,
        problem: impl ToString,
        fix: impl ToString,
    ) -> Self {
        Self::Config {
            origin: origin.to_string(),
            key: key.to_string(),
            problem: problem.to_string(),
            fix: fix.to_string(),
        }
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Plugin(error.into())
    }
}
