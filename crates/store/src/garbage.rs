//! What a trial's folder holds that nobody will read again.
//!
//! No trial is garbage, whatever its experiment file says by now: it may be a point
//! of a sweep, or the evidence of last year. What is:
//!
//! - files and folders that a process left half written or half removed;
//! - checkpoints that the folder's list does not name, or that an ended trial does
//!   not need beside its newest;
//! - folders of trials that never began;
//! - on request every checkpoint of a trial that has ended.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::atomic::ASIDE;
use crate::checkpoint::is_checkpoint;
use crate::folder::LOCK;
use crate::removal::{REMOVED, own_folder, set_aside_and_remove};
use crate::{Error, Result, Status, TrialFolder, TrialLock, checkpoint};

/// What is younger than this may be another process's work at this moment.
const YOUNG: Duration = Duration::from_secs(600);

/// Why something is garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A file or folder that a process did not get to finish or remove.
    Leftover,
    /// A folder in which no trial has begun.
    NeverBegan,
    /// A checkpoint that nothing names.
    Orphan,
    /// A checkpoint older than the newest, of a trial that has ended.
    Superseded,
    /// A checkpoint of a trial that has ended; only where that was asked for.
    Checkpoint,
}

impl Reason {
    /// In words, of several.
    pub fn text(self) -> &'static str {
        match self {
            Self::Leftover => "leftovers of processes that were cut off",
            Self::NeverBegan => "folders of trials that never began",
            Self::Orphan => "checkpoints that nothing names",
            Self::Superseded => "older checkpoints of ended trials",
            Self::Checkpoint => "newest checkpoints of ended trials",
        }
    }
}

/// Something that can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbage {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it can go.
    pub reason: Reason,
    /// Bytes it takes.
    pub bytes: u64,
}

/// Finds the garbage in a folder of trials, given by its path within `store`, and
/// removes it where `remove` says so. Trials that some process holds are passed over.
///
/// # Errors
/// A link leads to the folder, or something cannot be read or removed.
pub fn garbage(
    store: &Path,
    folder: &str,
    checkpoints: bool,
    remove: bool,
) -> Result<Vec<Garbage>> {
    let folder = own_folder(store, folder)?;
    let mut found = Vec::new();
    for entry in entries(&folder)? {
        let path = entry.path();
        // Of a link this is the link's own kind: it is left alone.
        let kind = entry.file_type().map_err(Error::io(&path))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_file() && is_aside(&name) && is_old(&entry) {
            found.extend(file(&entry, Reason::Leftover)?);
            if remove {
                fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        } else if kind.is_dir() && name.starts_with(REMOVED) {
            found.push(whole(&path, Reason::Leftover)?);
            if remove {
                fs::remove_dir_all(&path).map_err(Error::io(&path))?;
            }
        } else if kind.is_dir() {
            found.extend(of_trial(&entry, checkpoints, remove)?);
        }
    }
    Ok(found)
}

/// Removes what a process that was cut off left half written in a trial's folder, and
/// checkpoints that the list does not name. Failing to is no error: it only takes space.
pub fn clear_leftovers(trial: &TrialFolder, _held: &TrialLock) {
    let named = checkpoint::names(trial.path()).unwrap_or_default();
    for entry in entries(trial.path()).unwrap_or_default() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Without a list nothing says that a checkpoint is one too many.
        let is_orphan =
            !named.is_empty() && is_checkpoint(&name) && !named.iter().any(|named| *named == name);
        if is_aside(&name) || is_orphan {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The garbage in a trial's folder.
fn of_trial(entry: &DirEntry, checkpoints: bool, remove: bool) -> Result<Vec<Garbage>> {
    let path = entry.path();
    let trial = TrialFolder::open(&path);
    let [record, _] = trial.record_files();
    if !record.exists() {
        return without_trial(entry, remove);
    }
    // Whoever holds it may be writing any of its files. Looking must change nothing,
    // so only who removes takes the lock, which may make its file.
    let _lock = match remove {
        true => match trial.lock() {
            Err(Error::Busy { .. }) => return Ok(Vec::new()),
            lock => Some(lock?),
        },
        false if trial.is_locked() => return Ok(Vec::new()),
        false => None,
    };
    // A trial that does not read back keeps everything.
    let Ok(Some(stored)) = trial.record() else {
        return Ok(Vec::new());
    };
    let Ok(named) = checkpoint::names(&path) else {
        return Ok(Vec::new());
    };
    let has_ended = matches!(stored.status, Status::Finished | Status::Diverged { .. });
    // Where the newest is damaged, the one before it serves.
    let newest_is_good = has_ended
        && !checkpoints
        && named.len() > 1
        && checkpoint::read_file(&path.join(&named[0])).is_ok();
    let kept = match (has_ended, checkpoints) {
        (true, true) => 0,
        (true, false) if newest_is_good => 1,
        _ => named.len(),
    };
    let mut found = Vec::new();
    for entry in entries(&path)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let place = named.iter().position(|named| *named == name);
        let reason = match place {
            _ if is_aside(&name) => Reason::Leftover,
            None if is_checkpoint(&name) => Reason::Orphan,
            Some(0) if kept == 0 => Reason::Checkpoint,
            Some(place) if place >= kept => Reason::Superseded,
            _ => continue,
        };
        found.extend(file(&entry, reason)?);
    }
    if remove {
        // The list first: a cut in between leaves orphans and no list of what is gone.
        if kept < named.len() {
            checkpoint::keep(&path, kept)?;
        }
        for garbage in &found {
            fs::remove_file(&garbage.path).map_err(Error::io(&garbage.path))?;
        }
    }
    Ok(found)
}

/// The garbage in a folder without a trial: all of it where it has nothing but what is
/// written before a trial begins, else what was left half written, as in a report's. A
/// trial's has been locked, or is empty and named as one.
fn without_trial(entry: &DirEntry, remove: bool) -> Result<Vec<Garbage>> {
    let path = entry.path();
    let mut names = Vec::new();
    for entry in entries(&path)? {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    let is_ours = |name: &String| name == LOCK || is_aside(name);
    let was_locked = names.iter().any(|name| name == LOCK);
    let is_empty = names.is_empty() && entry.file_name().to_string_lossy().contains("-seed");
    if !(was_locked || is_empty) || !names.iter().all(is_ours) {
        return leftovers(&path, remove);
    }
    if !is_old(entry) {
        return Ok(Vec::new());
    }
    let trial = TrialFolder::open(&path);
    if trial.is_locked() {
        return Ok(Vec::new());
    }
    let found = whole(&path, Reason::NeverBegan)?;
    if remove {
        let Ok(_lock) = trial.lock() else {
            return Ok(Vec::new());
        };
        set_aside_and_remove(&path)?;
    }
    Ok(vec![found])
}

/// What was left half written in a folder that nobody claims.
fn leftovers(folder: &Path, remove: bool) -> Result<Vec<Garbage>> {
    let mut found = Vec::new();
    for entry in entries(folder)? {
        if is_aside(&entry.file_name().to_string_lossy()) && is_old(&entry) {
            found.extend(file(&entry, Reason::Leftover)?);
        }
    }
    if remove {
        for garbage in &found {
            fs::remove_file(&garbage.path).map_err(Error::io(&garbage.path))?;
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let entries: std::io::Result<Vec<DirEntry>> = entries.collect();
    let mut entries = entries.map_err(Error::io(folder))?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn is_aside(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending == ASIDE)
}

fn is_old(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    // A time ahead of the clock, which was set back, is as far from now.
    let distance = |time: SystemTime| match time.elapsed() {
        Ok(age) => age,
        Err(ahead) => ahead.duration(),
    };
    modified.is_ok_and(|time| distance(time) >= YOUNG)
}

/// A file as garbage; links and folders are not.
fn file(entry: &DirEntry, reason: Reason) -> Result<Option<Garbage>> {
    let path = entry.path();
    let metadata = entry.metadata().map_err(Error::io(&path))?;
    Ok(metadata.is_file().then_some(Garbage {
        path,
        reason,
        bytes: metadata.len(),
    }))
}

/// A folder as garbage, with all that is in it.
fn whole(path: &Path, reason: Reason) -> Result<Garbage> {
    Ok(Garbage {
        path: path.to_path_buf(),
        reason,
        bytes: size(path)?,
    })
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in entries(folder)? {
        let metadata = entry.metadata().map_err(Error::io(folder))?;
        bytes += match metadata.is_dir() {
            true => size(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "garbage_tests.rs"]
mod tests;
