//! Trials removed from a store. Nothing that lies elsewhere is, whatever links lead
//! there, and no trial that some process holds.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result, TrialFolder};

/// What the name of a folder begins with that is being removed.
pub(crate) const REMOVED: &str = ".removed-";

/// The folder at `path` within `store`, none of whose parts is a link.
///
/// # Errors
/// There is no such folder, or a link leads to it.
pub(crate) fn own_folder(store: &Path, path: &str) -> Result<PathBuf> {
    // The store itself may be a link: that is where its owner put it.
    let mut folder = store.canonicalize().map_err(Error::io(store))?;
    let refuse = |path: &Path, problem: &str| Error::Outside {
        path: path.to_path_buf(),
        problem: problem.to_string(),
    };
    let parts: Vec<Component> = Path::new(path).components().collect();
    if parts.is_empty() {
        return Err(refuse(&folder, "it is the store itself"));
    }
    for part in parts {
        let Component::Normal(name) = part else {
            return Err(refuse(Path::new(path), "it is no path within the store"));
        };
        folder.push(name);
        let kind = fs::symlink_metadata(&folder).map_err(Error::io(&folder))?;
        if kind.is_symlink() {
            return Err(refuse(
                &folder,
                "it is a link, and what it leads to is not the store's",
            ));
        }
        if !kind.is_dir() {
            return Err(refuse(&folder, "it is no folder"));
        }
    }
    // Junctions and mounts that are no links to the system.
    let real = folder.canonicalize().map_err(Error::io(&folder))?;
    match real == folder {
        true => Ok(folder),
        false => Err(refuse(&folder, "it lies elsewhere")),
    }
}

/// Removes a trial, whose folder's path within `store` has `/` between.
///
/// The folder gets another name first, so that one who starts the same trial
/// meanwhile begins in a folder of its own.
///
/// # Errors
/// A process holds the trial, a link leads to it, or it cannot be removed.
pub fn remove_trial(store: &Path, path: &str) -> Result<()> {
    let folder = own_folder(store, path)?;
    let trial = TrialFolder::open(&folder);
    let [record, _] = trial.record_files();
    if !record.exists() {
        return Err(Error::Outside {
            path: folder,
            problem: "it holds no trial".to_string(),
        });
    }
    let lock = trial.lock()?;
    set_aside_and_remove(&folder)?;
    drop(lock);
    Ok(())
}

/// Removes a folder of the store, at once as others see it. Links within are removed
/// and not followed, which is the standard library's word.
pub(crate) fn set_aside_and_remove(folder: &Path) -> Result<()> {
    static REMOVALS: AtomicU64 = AtomicU64::new(0);
    let number = REMOVALS.fetch_add(1, Ordering::Relaxed);
    let aside = folder.with_file_name(format!("{REMOVED}{}-{number}", std::process::id()));
    fs::rename(folder, &aside).map_err(Error::io(folder))?;
    fs::remove_dir_all(&aside).map_err(Error::io(&aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store with one trial in `lrn/ci`, and a folder beside it.
    fn store() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().expect("a folder");
        let (store, beside) = (root.path().join("runs"), root.path().join("beside"));
        let trial = store.join("lrn/ci/a-seed0-12345678");
        for folder in [&trial, &beside.join("a-seed0-12345678")] {
            fs::create_dir_all(folder).expect("a folder");
            fs::write(folder.join("trial.json"), "{}").expect("written");
        }
        (root, store, beside)
    }

    const TRIAL: &str = "lrn/ci/a-seed0-12345678";

    #[test]
    fn a_trial_is_removed_and_nothing_else() {
        let (_root, store, _) = store();
        fs::create_dir(store.join("lrn/ci/report")).expect("a folder");
        assert!(remove_trial(&store, "lrn/ci/report").is_err(), "no trial");
        assert!(remove_trial(&store, "lrn/ci").is_err());
        assert!(remove_trial(&store, "").is_err());
        remove_trial(&store, TRIAL).expect("removed");
        let left: Vec<_> = fs::read_dir(store.join("lrn/ci"))
            .expect("it is there")
            .collect();
        assert_eq!(left.len(), 1, "the report stays");
    }

    #[test]
    fn one_that_is_held_stays() {
        let (_root, store, _) = store();
        let lock = TrialFolder::open(store.join(TRIAL)).lock().expect("free");
        let error = remove_trial(&store, TRIAL).expect_err("held").to_string();
        assert!(error.contains("another process"), "{error}");
        assert!(store.join(TRIAL).join("trial.json").exists());
        drop(lock);
        remove_trial(&store, TRIAL).expect("removed");
    }

    #[test]
    fn paths_that_leave_the_store_are_refused() {
        let (root, store, beside) = store();
        let absolute = beside.join("a-seed0-12345678");
        for path in [
            "../beside/a-seed0-12345678",
            "lrn/../../beside/a-seed0-12345678",
            absolute.to_str().expect("UTF-8"),
        ] {
            let error = remove_trial(&store, path).expect_err(path).to_string();
            assert!(error.contains("no path within the store"), "{error}");
        }
        assert!(
            root.path()
                .join("beside/a-seed0-12345678/trial.json")
                .exists()
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let (_root, store, beside) = store();
        let outside = beside.join("a-seed0-12345678");
        // A trial, its profile and its experiment as links to what lies outside.
        symlink(&outside, store.join("lrn/ci/linked")).expect("a link");
        symlink(&beside, store.join("lrn/quick")).expect("a link");
        fs::create_dir_all(beside.join("p/t")).expect("a folder");
        fs::write(beside.join("p/t/trial.json"), "{}").expect("written");
        symlink(&beside, store.join("linked")).expect("a link");
        for path in ["lrn/ci/linked", "lrn/quick/a-seed0-12345678", "linked/p/t"] {
            let error = remove_trial(&store, path).expect_err(path).to_string();
            assert!(error.contains("a link"), "{error}");
        }
        // Links within a trial's folder go, what they lead to stays.
        symlink(&outside, store.join(TRIAL).join("events")).expect("a link");
        symlink(outside.join("trial.json"), store.join(TRIAL).join("file")).expect("a link");
        remove_trial(&store, TRIAL).expect("removed");
        assert!(!store.join(TRIAL).exists());
        assert!(outside.join("trial.json").exists() && beside.join("p/t/trial.json").exists());
        // The store itself may be a link.
        let link = store.with_file_name("link");
        symlink(&store, &link).expect("a link");
        fs::create_dir(store.join(TRIAL)).expect("a folder");
        fs::write(store.join(TRIAL).join("trial.json"), "{}").expect("written");
        remove_trial(&link, TRIAL).expect("removed");
    }
}
