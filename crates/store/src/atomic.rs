//! Files that are either old or new, never half of each.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// Writes `bytes` aside, syncs them, and renames them over `path`.
///
/// # Errors
/// The disk is full or the folder cannot be written; `path` is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = path.with_added_extension("partial");
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&aside, path)) {
        // The leftover may be what fills the disk; failing to remove it changes nothing.
        let _ = fs::remove_file(&aside);
        return Err(Error::io(path)(error));
    }
    sync_folder(path)
}

/// Makes a rename last through a power cut. Only Unix can sync a folder.
fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io(folder))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
