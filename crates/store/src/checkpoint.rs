//! Checkpoints: the last two are kept, each with a digest.
//!
//! `checkpoint.json` names the tensor files, newest first. It is replaced in one
//! step after a tensor file is safely on disk, so a cut at any moment leaves a
//! checkpoint that reads back. Where the newest is damaged all the same, its file or
//! its progress in the list, the one before it serves.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result, atomic};

const INDEX: &str = "checkpoint.json";
const KEPT: usize = 2;

/// One saved state of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The runner's own account of where training stands.
    pub progress: serde_json::Value,
    /// Parameters and optimiser state, in the safetensors format.
    pub tensors: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    /// Of the file.
    sha256: String,
    progress: serde_json::Value,
    /// Of the progress as JSON without spaces; absent in lists of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress_sha256: Option<String>,
}

impl Entry {
    fn of(file: String, checkpoint: &Checkpoint) -> Self {
        Self {
            file,
            sha256: digest(&checkpoint.tensors),
            progress: checkpoint.progress.clone(),
            progress_sha256: Some(digest(checkpoint.progress.to_string().as_bytes())),
        }
    }

    /// The checkpoint, or what is wrong with it.
    fn read(&self, folder: &Path) -> Result<Checkpoint, String> {
        let path = folder.join(&self.file);
        let wrong = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let tensors = fs::read(&path).map_err(|error| wrong(&error))?;
        if digest(&tensors) != self.sha256 {
            return Err(wrong(&"the digest is wrong"));
        }
        let progress = digest(self.progress.to_string().as_bytes());
        if self
            .progress_sha256
            .as_ref()
            .is_some_and(|sha256| *sha256 != progress)
        {
            return Err(wrong(&format!(
                "the digest of its progress in {INDEX} is wrong"
            )));
        }
        Ok(Checkpoint {
            progress: self.progress.clone(),
            tensors,
        })
    }
}

/// What loading found.
#[derive(Debug)]
pub struct Loaded {
    /// The newest checkpoint that reads back; `None` where there is none.
    pub checkpoint: Option<Checkpoint>,
    /// The newest, which were passed over, each with the reason.
    pub damaged: Vec<String>,
}

/// Saves a checkpoint in `folder` under a name unique to `step`, and drops all
/// but the last two.
///
/// # Errors
/// The disk is full or the folder cannot be written; earlier checkpoints stay.
pub fn save(folder: &Path, step: u64, checkpoint: &Checkpoint) -> Result<()> {
    let file = format!("checkpoint-{step:09}.safetensors");
    atomic::write(&folder.join(&file), &checkpoint.tensors)?;
    let mut entries = entries(folder).unwrap_or_default();
    entries.retain(|entry| entry.file != file);
    entries.insert(0, Entry::of(file, checkpoint));
    let dropped = entries.split_off(entries.len().min(KEPT));
    let index = folder.join(INDEX);
    write_list(&index, &entries)?;
    for entry in dropped {
        // Left behind it only takes space.
        let _ = fs::remove_file(folder.join(entry.file));
    }
    Ok(())
}

/// The name of the newest checkpoint's file, whole or not; `None` where there is none.
pub fn newest(folder: &Path) -> Option<String> {
    let entries = entries(folder).ok()?;
    entries.into_iter().next().map(|entry| entry.file)
}

/// Loads the newest checkpoint in `folder` whose digest is right.
///
/// # Errors
/// There are checkpoints but every one is damaged.
pub fn load(folder: &Path) -> Result<Loaded> {
    let mut damaged = Vec::new();
    for entry in entries(folder)? {
        match entry.read(folder) {
            Ok(checkpoint) => {
                return Ok(Loaded {
                    checkpoint: Some(checkpoint),
                    damaged,
                });
            }
            Err(problem) => damaged.push(problem),
        }
    }
    match damaged.is_empty() {
        true => Ok(Loaded {
            checkpoint: None,
            damaged,
        }),
        false => Err(Error::Damaged {
            path: folder.join(INDEX),
            problem: format!("no checkpoint reads back ({})", damaged.join("; ")),
            fix: "remove the trial's folder to train it from the start".to_string(),
        }),
    }
}

/// Takes the damaged ones that `loaded` tells of off the folder's list. There they would
/// be among the two that are kept, in the place of one that reads back.
///
/// # Errors
/// The list cannot be written.
pub fn forget_damaged(folder: &Path, loaded: &Loaded) -> Result<()> {
    if loaded.damaged.is_empty() {
        return Ok(());
    }
    let mut entries = entries(folder)?;
    entries.drain(..loaded.damaged.len().min(entries.len()));
    write_list(&folder.join(INDEX), &entries)
}

/// Reads one checkpoint file, checked against the digest where the checkpoints of
/// its folder list it.
///
/// # Errors
/// It cannot be read, or the digest is wrong.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let tensors = fs::read(path).map_err(Error::io(path))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default();
    let listed = entries(folder).unwrap_or_default();
    match listed.iter().find(|entry| name == entry.file.as_str()) {
        Some(entry) if entry.sha256 != digest(&tensors) => Err(Error::Damaged {
            path: path.to_path_buf(),
            problem: "the digest is wrong".to_string(),
            fix: "name the trial's folder, whose checkpoint before this may serve".to_string(),
        }),
        _ => Ok(tensors),
    }
}

/// The names of the checkpoint files that the folder's list has, newest first; none
/// where there is no list.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = entries(folder)?.into_iter();
    Ok(entries.map(|entry| entry.file).collect())
}

/// Makes the folder's list name its newest `count` only; the list goes with the last.
/// The files stay.
pub(crate) fn keep(folder: &Path, count: usize) -> Result<()> {
    let index = folder.join(INDEX);
    if count == 0 {
        return fs::remove_file(&index).map_err(Error::io(&index));
    }
    let mut entries = entries(folder)?;
    entries.truncate(count);
    write_list(&index, &entries)
}

fn write_list(index: &Path, entries: &[Entry]) -> Result<()> {
    let text = serde_json::to_vec_pretty(entries).map_err(|error| Error::Damaged {
        path: index.to_path_buf(),
        problem: format!("the checkpoint's progress cannot be written: {error}"),
        fix: "report this as a bug".to_string(),
    })?;
    atomic::write(index, &text)
}

/// The folder's list; one that is not there is empty.
fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let path = folder.join(INDEX);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(&path)(error)),
    };
    let damaged = |problem: String| Error::Damaged {
        path: path.clone(),
        problem,
        fix: "remove the trial's folder to train it from the start".to_string(),
    };
    let entries: Vec<Entry> =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    // A name is joined to the folder's path, and what it names is read and removed.
    match entries.iter().find(|entry| !is_checkpoint(&entry.file)) {
        None => Ok(entries),
        Some(entry) => Err(damaged(format!("`{}` is no checkpoint's name", entry.file))),
    }
}

/// Whether a file is named as [`save`] names one.
pub(crate) fn is_checkpoint(file: &str) -> bool {
    let step = file
        .strip_prefix("checkpoint-")
        .and_then(|rest| rest.strip_suffix(".safetensors"));
    step.is_some_and(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The SHA-256 digest in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
