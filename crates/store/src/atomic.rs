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

/// Creates a folder with those above it, to last through a power cut.
///
/// # Errors
/// It cannot be created.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(path).map_err(Error::io(path))?;
    missing.into_iter().try_for_each(sync_folder)
}

/// Makes the entry `path` of its folder last through a power cut. Only Unix can sync
/// a folder.
fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
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
    fn folders_are_made_with_those_above() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a/b/c");
        for _ in 0..2 {
            create_folder(&path).expect("created");
            assert!(path.is_dir());
        }
        fs::write(root.path().join("file"), "").expect("written");
        assert!(create_folder(&root.path().join("file/b")).is_err());
    }

    #[test]
    fn what_a_process_of_the_same_number_left_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file.json");
        for number in 0..1000 {
            let aside = format!("{}-{number}.{ASIDE}", std::process::id());
            fs::write(path.with_added_extension(aside), [b'x'; 500]).expect("written");
        }
        write(&path, b"short").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"short");
    }

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
