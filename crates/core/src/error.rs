//! The errors a plugin can raise. Each names the thing at fault and the way out.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong inside a plugin or in finding one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed: a shape, a dtype or a device did not fit.
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),

    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A file was read but holds the wrong thing.
    #[error("{}: {problem}\n  fix: {fix}", path.display())]
    BadFile {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// What the user can do.
        fix: String,
    },

    /// A config key has a value the plugin cannot use.
    #[error("`{key}`: {problem}\n  fix: {fix}")]
    BadValue {
        /// The key, from the plugin's own table (`sigma`, `kernels.0`).
        key: String,
        /// What is wrong with the value.
        problem: String,
        /// What the user can do.
        fix: String,
    },

    /// A config key no plugin config has.
    #[error("unknown key `{key}`\n  fix: {fix}")]
    UnknownKey {
        /// The key, from the plugin's own table.
        key: String,
        /// The nearest known key, or the known keys.
        fix: String,
    },

    /// No plugin of that kind has that name.
    #[error("there is no {kind} named `{name}`\n  fix: {fix}")]
    UnknownPlugin {
        /// The kind looked for.
        kind: crate::Kind,
        /// The name looked for.
        name: String,
        /// The nearest name, or the known names.
        fix: String,
    },

    /// Anything else, in the plugin's own words.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// An I/O error with the path it happened at; for `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// A file whose content is wrong.
    pub fn bad_file(path: impl AsRef<Path>, problem: impl ToString, fix: impl ToString) -> Self {
        Self::BadFile {
            path: path.as_ref().to_path_buf(),
            problem: problem.to_string(),
            fix: fix.to_string(),
        }
    }

    /// A config value out of its range.
    pub fn bad_value(key: impl ToString, problem: impl ToString, fix: impl ToString) -> Self {
        Self::BadValue {
            key: key.to_string(),
            problem: problem.to_string(),
            fix: fix.to_string(),
        }
    }
}
