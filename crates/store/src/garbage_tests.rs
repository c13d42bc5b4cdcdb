//! What counts as garbage, and what is never touched.

use std::fs::{File, FileTimes};
use std::time::SystemTime;

use serde_json::json;

use super::*;
use crate::{Checkpoint, Trial};

const FOLDER: &str = "lrn/ci";

fn trial(store: &Path, name: &str, status: Status) -> PathBuf {
    let path = store.join(FOLDER).join(name);
    fs::create_dir_all(&path).expect("a folder");
    let trial = Trial {
        variant: name.to_string(),
        seed: 0,
        members: Vec::new(),
        hash: String::new(),
        status,
        data: String::new(),
        parameters: 1,
        history: Vec::new(),
        config: json!({}),
        outputs: None,
        environment: None,
    };
    TrialFolder::open(&path).write(&trial).expect("written");
    for step in 1..=2 {
        let checkpoint = Checkpoint {
            progress: json!({ "step": step }),
            tensors: vec![0; 100],
        };
        checkpoint::save(&path, step, &checkpoint).expect("saved");
    }
    path
}

fn names(found: &[Garbage]) -> Vec<String> {
    let name = |garbage: &Garbage| {
        let path = garbage
            .path
            .strip_prefix(garbage.path.parent()?.parent()?)
            .ok()?;
        Some(format!("{:?} {}", garbage.reason, path.display()))
    };
    let mut names: Vec<String> = found.iter().filter_map(name).collect();
    names.sort();
    names
}

fn age(path: &Path) {
    set(path, SystemTime::now() - 2 * YOUNG);
}

fn set(path: &Path, time: SystemTime) {
    let file = File::open(path).expect("open");
    let times = FileTimes::new().set_modified(time);
    file.set_times(times).expect("set");
}

#[test]
fn only_what_nobody_reads_goes() {
    let root = tempfile::tempdir().expect("a folder");
    let store = root.path();
    let ended = trial(store, "ended", Status::Finished);
    let open = trial(store, "open", Status::Unfinished);
    let held = trial(store, "held", Status::Finished);
    let torn = trial(store, "torn", Status::Finished);
    fs::write(torn.join("checkpoint-000000002.safetensors"), b"torn").expect("written");
    fs::write(open.join("checkpoint-000000000.safetensors"), [0; 7]).expect("written");
    fs::write(ended.join("trial.json.1-1.partial"), [0; 5]).expect("written");
    let began = store.join(FOLDER).join("never");
    for folder in [
        &began,
        &store.join(FOLDER).join("report"),
        &store.join(FOLDER).join(".removed-1-1"),
    ] {
        fs::create_dir(folder).expect("a folder");
    }
    fs::write(began.join(".lock"), b"").expect("written");
    let empty = ["relu-seed0-1a2b3c4d", "relu-seed1-1a2b3c4d", "search"];
    let empty = empty.map(|name| store.join(FOLDER).join(name));
    for folder in &empty {
        fs::create_dir(folder).expect("a folder");
    }
    age(&began);
    // The second may be about to begin, and the third is no trial's.
    age(&empty[0]);
    age(&empty[2]);
    let young = store.join(FOLDER).join("experiment.json.1-1.partial");
    fs::write(&young, b"young").expect("written");
    for (name, is_old) in [
        ("curves.png.1-2.partial", true),
        ("report.md.9-1.partial", false),
    ] {
        let half = store.join(FOLDER).join("report").join(name);
        fs::write(&half, b"half").expect("written");
        if is_old {
            age(&half);
        }
    }
    let lock = TrialFolder::open(&held).lock().expect("free");

    let expected = [
        "Leftover ci/.removed-1-1",
        "Leftover ended/trial.json.1-1.partial",
        "Leftover report/curves.png.1-2.partial",
        "NeverBegan ci/never",
        "NeverBegan ci/relu-seed0-1a2b3c4d",
        "Orphan open/checkpoint-000000000.safetensors",
        "Superseded ended/checkpoint-000000001.safetensors",
    ];
    let looked = garbage(store, FOLDER, false, false).expect("looked");
    assert_eq!(names(&looked), expected);
    assert!(
        looked.iter().all(|garbage| garbage.path.exists()),
        "a look removes nothing"
    );
    let removed = garbage(store, FOLDER, false, true).expect("removed");
    assert_eq!(removed, looked);
    assert!(removed.iter().all(|garbage| !garbage.path.exists()));
    assert_eq!(garbage(store, FOLDER, false, false).expect("looked"), []);
    assert!(
        young.exists()
            && store
                .join(FOLDER)
                .join("report/report.md.9-1.partial")
                .exists()
    );
    assert!(empty[1].exists() && empty[2].exists());
    for (path, step) in [(&ended, 2), (&open, 2), (&held, 2), (&torn, 1)] {
        let loaded = checkpoint::load(path).expect("one is good").checkpoint;
        assert_eq!(
            loaded.expect("one").progress,
            json!({ "step": step }),
            "{}",
            path.display()
        );
    }

    // Every checkpoint of ended trials, on request.
    drop(lock);
    let removed = garbage(store, FOLDER, true, true).expect("removed");
    assert_eq!(removed.len(), 1 + 2 + 2, "{removed:?}");
    for path in [&ended, &held, &torn] {
        assert!(checkpoint::load(path).expect("none").checkpoint.is_none());
        assert!(TrialFolder::open(path).read().expect("read").is_some());
    }
    assert!(checkpoint::load(&open).expect("kept").checkpoint.is_some());
}

#[test]
fn who_goes_on_with_a_trial_clears_what_was_left() {
    let root = tempfile::tempdir().expect("a folder");
    let path = trial(root.path(), "open", Status::Unfinished);
    let place = TrialFolder::open(&path);
    let lock = place.lock().expect("free");
    let left = ["checkpoint-000000003.safetensors", "trial.json.7-0.partial"];
    for name in left {
        fs::write(path.join(name), b"half").expect("written");
    }
    // A file of somebody's own, by a name that no run gives.
    let own = path.join("checkpoint-best.safetensors");
    fs::write(&own, b"precious").expect("written");
    clear_leftovers(&place, &lock);
    assert!(own.exists());
    assert!(left.iter().all(|name| !path.join(name).exists()));
    assert!(checkpoint::load(&path).expect("there").damaged.is_empty());
    assert_eq!(checkpoint::names(&path).expect("named").len(), 2);
    // Without a list the checkpoints may be all that is left of the trial.
    fs::remove_file(path.join("checkpoint.json")).expect("removed");
    clear_leftovers(&place, &lock);
    assert!(path.join("checkpoint-000000002.safetensors").exists());
}

#[test]
fn a_clock_that_was_set_back_keeps_no_garbage() {
    let root = tempfile::tempdir().expect("a folder");
    let store = root.path();
    trial(store, "ended", Status::Unfinished);
    let leftover = store.join(FOLDER).join("experiment.json.1-1.partial");
    fs::write(&leftover, b"half").expect("written");
    let now = SystemTime::now();
    for (time, count) in [
        (now + YOUNG / 2, 0),
        (now + 1000 * YOUNG, 1),
        (now - 2 * YOUNG, 1),
        (SystemTime::UNIX_EPOCH, 1),
    ] {
        set(&leftover, time);
        let found = garbage(store, FOLDER, false, false).expect("looked");
        assert_eq!(found.len(), count, "{time:?}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_behind_a_link_goes() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().expect("a folder");
    let (store, elsewhere) = (root.path().join("runs"), root.path().join("elsewhere"));
    let outside = trial(&elsewhere, "ended", Status::Finished);
    let inside = trial(&store, "inside", Status::Finished);
    symlink(&outside, store.join(FOLDER).join("linked")).expect("a link");
    symlink(elsewhere.join("lrn"), store.join("other")).expect("a link");
    let orphan = "checkpoint-000000000.safetensors";
    fs::write(outside.join(orphan), b"precious").expect("written");
    symlink(outside.join(orphan), inside.join(orphan)).expect("a link");
    assert!(garbage(&store, "other/ci", true, true).is_err());
    let removed = garbage(&store, FOLDER, true, true).expect("removed");
    assert!(
        removed
            .iter()
            .all(|garbage| garbage.path.to_string_lossy().contains("inside"))
    );
    assert!(outside.join(orphan).exists());
    assert_eq!(checkpoint::names(&outside).expect("names").len(), 2);
}
