//! A file that keeps other processes out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two tries.
const WAIT: Duration = Duration::from_millis(20);

/// Held until it is dropped, or the process ends, however it ends.
///
/// A program that another thread starts holds a copy of every open file until its own
/// code begins, and an operating system counts a lock as held while any copy of the
/// file is open. So the lock is given up for all copies, and not by closing this one.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Claims the file at `path` for this process, and makes it if there is none. Who
    /// looks whether it [`is_held`](Self::is_held) has it for a moment, which `patience`
    /// outlasts.
    ///
    /// # Errors
    /// `WouldBlock`: another process has it. `Error`: the file cannot be made, or its
    /// file system has no locks.
    pub fn claim(path: &Path, patience: Duration) -> Result<Self, TryLockError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(TryLockError::Error)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                    std::thread::sleep(WAIT);
                }
                tried => return tried.map(|()| Self(file)),
            }
        }
    }

    /// Whether some process has claimed the file at `path` now; where the system
    /// cannot tell, none has. Writes nothing.
    pub fn is_held(path: &Path) -> bool {
        let Ok(file) = File::open(path) else {
            return false;
        };
        match file.try_lock_shared() {
            Ok(()) => {
                drop(Self(file));
                false
            }
            Err(error) => matches!(error, TryLockError::WouldBlock),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // What cannot be unlocked is as good as unlocked once the file is closed.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_the_file_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".lock");
        assert!(!FileLock::is_held(&path), "there is no file");
        let held = FileLock::claim(&path, Duration::ZERO).expect("free");
        assert!(FileLock::is_held(&path));
        let second = FileLock::claim(&path, Duration::ZERO);
        assert!(matches!(second, Err(TryLockError::WouldBlock)));
        drop(held);
        assert!(!FileLock::is_held(&path));
        FileLock::claim(&path, Duration::ZERO).expect("given up");
    }

    #[test]
    fn patience_outlasts_who_holds_it_for_a_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".lock");
        let held = FileLock::claim(&path, Duration::ZERO).expect("free");
        let moment = std::thread::spawn(move || {
            std::thread::sleep(2 * WAIT);
            drop(held);
        });
        FileLock::claim(&path, Duration::from_secs(60)).expect("given up meanwhile");
        moment.join().expect("it ends");
    }

    #[test]
    fn copies_of_the_file_do_not_hold_what_was_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".lock");
        let held = FileLock::claim(&path, Duration::ZERO).expect("free");
        // What a starting program has of this one.
        let copy = held.0.try_clone().expect("open files are left");
        drop(held);
        FileLock::claim(&path, Duration::ZERO).expect("given up, though a copy is open");
        drop(copy);
    }

    #[test]
    fn a_missing_folder_is_no_other_process() {
        let missing = FileLock::claim(Path::new("no/such/folder/.lock"), Duration::ZERO);
        assert!(matches!(missing, Err(TryLockError::Error(_))));
    }
}
