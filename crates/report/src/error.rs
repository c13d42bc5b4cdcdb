//! Why a report could not be made.

use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A report that cannot be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The report's folder cannot be created.
    #[error("{}: {source}\n  fix: choose a folder you can write to", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A figure that an earlier report left cannot be removed.
    #[error("{}: cannot be removed: {source}\n  fix: remove it yourself", path.display())]
    Stale {
        /// The figure's file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of the report cannot be written; the error names it.
    #[error(transparent)]
    Store(#[from] ablate_store::Error),
    /// Two different trials claim to be the same variant and seed.
    #[error(
        "variant `{variant}` has two trials for seed {seed} ({first} and {second})\n  \
         fix: report on the trials of one plan, or remove the folder of the stale one"
    )]
    Ambiguous {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
        /// The hash of one trial.
        first: String,
        /// The hash of the other.
        second: String,
    },
    /// The experiment's claim names a variant the experiment does not have.
    #[error(
        "the claim of `{experiment}` compares the variant `{variant}`, which does not exist\n  \
         fix: {fix}"
    )]
    UnknownVariant {
        /// The experiment.
        experiment: String,
        /// The name that is not a variant's.
        variant: String,
        /// The nearest name, or the known names.
        fix: String,
    },
    /// A picture could not be drawn or encoded.
    #[error("a picture cannot be drawn as {format}: {problem}\n  fix: report this as a bug")]
    Draw {
        /// `SVG` or `PNG`.
        format: &'static str,
        /// What went wrong.
        problem: String,
    },
}

impl Error {
    /// A picture that failed, in its own words; for `map_err`.
    pub(crate) fn draw(format: &'static str) -> impl Fn(String) -> Self {
        move |problem| Self::Draw { format, problem }
    }
}
