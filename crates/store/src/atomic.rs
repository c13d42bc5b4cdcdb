//! Files that are either old or new, never half of each.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// What the name of a file ends in until it is whole.
pub(crate) const ASIDE: &str = "partial";

/// Writes `bytes` aside, syncs them, and renames them over `path`. Several may do so
/// at once: the last one's bytes stay.
///
/// # Errors
/// The disk is full or the folder cannot be written; `path` is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    // Two processes that begin the same experiment write the same file.
    let aside = format!("{}-{number}.{ASIDE}", std::process::id());
    let aside = path.with_added_extension(aside);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_of_one_file_do_not_meet() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file.json");
        std::thread::scope(|scope| {
            for byte in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write(path, &[byte; 100]).expect("written");
                    }
                });
            }
        });
        let bytes = fs::read(&path).expect("read");
        assert!(bytes.len() == 100 && bytes.iter().all(|byte| *byte == bytes[0]));
        let entries = fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(entries.count(), 1, "nothing is left aside");
    }
}
