//! Whether a folder's set is the one that is wanted, and which of its shards are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, TryLockError};
use std::path::Path;
use std::time::Duration;

use ablate_core::{Error, FileLock, Result};

use super::Preparation;
use crate::digest;
use crate::shards::{Encoding, MANIFEST, Manifest, STATISTICS, Source, VERSION};

/// Keeps other processes out of the folder until it is dropped, or the process ends.
///
/// # Errors
/// Another process is at work there, or the folder cannot be written, or its file
/// system has no locks.
pub(super) fn lock(folder: &Path) -> Result<FileLock> {
    let lock = FileLock::claim(&folder.join(".lock"), Duration::ZERO);
    lock.map_err(|error| not_locked(folder, error))
}

/// Says whether waiting would help.
pub(super) fn not_locked(folder: &Path, error: TryLockError) -> Error {
    match error {
        TryLockError::WouldBlock => {
            let problem = "another preparation writes this folder";
            Error::bad_file(folder, problem, "wait for it, or choose another `--into`")
        }
        TryLockError::Error(error) => {
            let problem = format!("the folder cannot be locked: {error}");
            let fix = "choose an `--into` that can be written, on a file system with locks";
            Error::bad_file(folder, problem, fix)
        }
    }
}

/// The manifest of a new set, or that of the one which is there if it is the same.
///
/// # Errors
/// The folder's set was made otherwise.
pub(super) fn manifest(wanted: &Preparation, classes: Vec<String>) -> Result<Manifest> {
    let validation = wanted.validation.as_ref();
    let new = Manifest {
        version: VERSION,
        encoding: match wanted.raw {
            true => Encoding::Raw,
            false => Encoding::Jpeg,
        },
        size: wanted.size,
        validation_shard: wanted.validation_shard,
        train: source(&wanted.train, None)?,
        validation: validation
            .map(|(archive, list)| source(archive, Some(list)))
            .transpose()?,
        complete: false,
        classes,
        shards: BTreeMap::new(),
    };
    let folder = &wanted.into;
    let manifest = match Manifest::read(folder)? {
        None => new,
        Some(old) => go_on(folder, old, new)?,
    };
    if !manifest.complete {
        manifest.write(folder)?;
    }
    Ok(manifest)
}

/// Names of the shards that are recorded and there.
pub(super) fn there(folder: &Path, manifest: &Manifest) -> BTreeSet<String> {
    let names = manifest.shards.keys();
    names
        .filter(|name| manifest.has(folder, name))
        .cloned()
        .collect()
}

fn source(archive: &Path, list: Option<&Path>) -> Result<Source> {
    let md5 = |list: &Path| -> Result<String> {
        let bytes = fs::read(list).map_err(Error::io(list))?;
        Ok(digest::md5(&bytes))
    };
    let name = archive.file_name().unwrap_or(archive.as_os_str());
    Ok(Source {
        archive: name.to_string_lossy().into_owned(),
        bytes: fs::metadata(archive).map_err(Error::io(archive))?.len(),
        labels_md5: list.map(md5).transpose()?,
    })
}

/// The manifest to go on with. Validation images may be added to a set, and stay
/// in a whole one where they are not named again.
fn go_on(folder: &Path, old: Manifest, new: Manifest) -> Result<Manifest> {
    if let Some(problem) = difference(&old, &new) {
        let fix = "choose another `--into`, or delete the folder";
        return Err(Error::bad_file(folder.join(MANIFEST), problem, fix));
    }
    if !old.complete && old.validation.is_some() && new.validation.is_none() {
        // How many there are only the archive says; that what is recorded is there says
        // nothing.
        let problem = "its validation images may not all be packed, and this call was not given \
                       their archive";
        let fix = "give `--val-tar` and `--labels` again";
        return Err(Error::bad_file(folder.join(MANIFEST), problem, fix));
    }
    let has_all = there(folder, &old).len() == old.shards.len()
        && folder.join(STATISTICS).is_file()
        && (new.validation.is_none() || new.validation == old.validation);
    Ok(Manifest {
        complete: old.complete && has_all,
        validation: new.validation.or_else(|| old.validation.clone()),
        ..old
    })
}

/// How a set differs from the one that is wanted.
fn difference(old: &Manifest, new: &Manifest) -> Option<&'static str> {
    let both = old.validation.as_ref().zip(new.validation.as_ref());
    if old.encoding != new.encoding {
        Some("its images are stored in the other way (`--raw`)")
    } else if old.size != new.size {
        Some("its images have another size (`--size`)")
    } else if old.train != new.train || old.classes != new.classes {
        Some("it was made from another training archive")
    } else if both.is_some_and(|(old, new)| old != new) {
        Some("it was made from another validation archive or another list of labels")
    } else if old.validation_shard != new.validation_shard {
        Some("its shards hold another number of validation images")
    } else {
        None
    }
}
