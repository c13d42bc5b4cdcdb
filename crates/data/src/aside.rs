//! Files that are written aside, synced and renamed: either whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use ablate_core::{Error, Result};

/// Where a file lies until it is whole. What an interruption leaves of it is written
/// over by the next attempt.
pub(crate) fn path_of(path: &Path) -> PathBuf {
    path.with_added_extension("partial")
}

/// Puts a synced file that lies aside in its place, for good.
///
/// # Errors
/// The disk cannot be written.
pub(crate) fn commit(path: &Path) -> Result<()> {
    fs::rename(path_of(path), path).map_err(Error::io(path))?;
    // Makes the rename last through a power cut. Only Unix can sync a folder.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io(folder))?;
    }
    Ok(())
}

/// Replaces a file by `bytes`.
///
/// # Errors
/// The disk is full or cannot be written; the file is then as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = path_of(path);
    File::create(&aside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(Error::io(&aside))?;
    commit(path)
}
