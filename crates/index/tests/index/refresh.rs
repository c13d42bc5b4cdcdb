//! Whatever changed in the store is noticed, and what did not is not read again.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use ablate_index::{Index, Query, Refreshed};
use ablate_store::{Status, TrialFolder};

use crate::fixture::{experiment, rewrite, trial, write};

fn names(index: &mut Index) -> Vec<String> {
    let rows = index.list(&Query::default()).expect("a list");
    rows.iter()
        .map(|row| format!("{} {}", row.variant, row.status))
        .collect()
}

fn read(index: &mut Index) -> usize {
    index.refresh().expect("refreshed").read
}

/// Makes everything in the store as old as if it had lain there for `seconds`.
fn age(path: &Path, seconds: u64) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            age(&entry.expect("an entry").path(), seconds);
        }
    }
    let time = SystemTime::now() - Duration::from_secs(seconds);
    let file = File::open(path).expect("open");
    let times = FileTimes::new().set_modified(time);
    file.set_times(times).expect("set");
}

#[test]
fn added_changed_and_removed_folders_are_noticed() {
    let store = tempfile::tempdir().expect("a folder");
    let store = store.path();
    let folder = experiment(store, "lrn", "ci");
    let done = write(&folder, &trial("a", 0, 0.1, 0.5, Status::Finished));
    let open = trial("b", 0, 0.1, 0.5, Status::Unfinished);
    let open_folder = write(&folder, &open);
    fs::create_dir(folder.path().join("report")).expect("a folder");
    age(store, 1000);

    let mut index = Index::open(store).expect("an index");
    assert_eq!(names(&mut index), ["a finished", "b unfinished"]);
    assert_eq!(read(&mut index), 0, "nothing has changed");
    drop(index);
    let mut index = Index::open(store).expect("an index");
    assert_eq!(read(&mut index), 0, "nor since the file was written");

    // One that may still run is read when its records change, others are not.
    let place = TrialFolder::open(&open_folder);
    let record = open.history[0].clone();
    place.append(&record).expect("appended");
    age(&open_folder, 500);
    assert_eq!(read(&mut index), 1);
    let mut ended = open.clone();
    ended.status = Status::Diverged { epoch: 2 };
    rewrite(&place, &ended);
    assert_eq!(read(&mut index), 1);
    assert_eq!(names(&mut index), ["a finished", "b diverged"]);

    write(&folder, &trial("c", 0, 0.1, 0.5, Status::Finished));
    fs::remove_dir_all(&done).expect("removed");
    let refreshed = index.refresh().expect("refreshed");
    assert_eq!(refreshed.forgotten, 1);
    assert_eq!(names(&mut index), ["b diverged", "c finished"]);

    fs::remove_dir_all(store.join("lrn")).expect("removed");
    let gone = Refreshed {
        forgotten: 2,
        ..Refreshed::default()
    };
    assert_eq!(index.refresh().expect("refreshed"), gone);
    assert!(names(&mut index).is_empty());
}

#[test]
fn a_key_goes_with_the_last_trial_that_has_it() {
    let store = tempfile::tempdir().expect("a folder");
    let folder = experiment(store.path(), "lrn", "ci");
    write(&folder, &trial("a", 0, 0.1, 0.5, Status::Finished));
    let mut wide = trial("b", 0, 0.1, 0.5, Status::Finished);
    wide.config["model"] = serde_json::json!({ "width": 0.5 });
    let wide = write(&folder, &wide);
    let mut index = Index::open(store.path()).expect("an index");
    let has = |index: &Index, key: &str| {
        let known = index.known_keys().expect("keys");
        known.iter().any(|known| known == key)
    };
    assert!(has(&index, "model.width") && has(&index, "model.name"));
    fs::remove_dir_all(wide).expect("removed");
    age(store.path(), 1000);
    assert_eq!(index.refresh().expect("refreshed").forgotten, 1);
    assert!(!has(&index, "model.width"));
    assert!(has(&index, "model.name") && has(&index, "validation.top1_error"));
    let lr = Query {
        columns: vec!["optimiser.lr".to_string()],
        ..Query::default()
    };
    assert_eq!(index.list(&lr).expect("a list")[0].columns, [0.1]);
}

#[test]
fn a_trial_that_is_held_runs_and_looking_does_not_disturb_it() {
    let store = tempfile::tempdir().expect("a folder");
    let folder = experiment(store.path(), "lrn", "ci");
    let path = write(&folder, &trial("a", 0, 0.1, 0.5, Status::Unfinished));
    let mut index = Index::open(store.path()).expect("an index");
    assert_eq!(names(&mut index), ["a unfinished"]);
    let lock = TrialFolder::open(&path).lock().expect("free");
    read(&mut index);
    assert_eq!(names(&mut index), ["a running"]);
    let running = Query {
        statuses: vec!["running".to_string()],
        ..Query::default()
    };
    assert_eq!(index.list(&running).expect("a list").len(), 1);
    drop(lock);
    read(&mut index);
    assert_eq!(names(&mut index), ["a unfinished"]);
    assert!(index.list(&running).expect("a list").is_empty());
}

#[test]
fn a_record_that_does_not_read_back_is_listed_as_damaged() {
    let store = tempfile::tempdir().expect("a folder");
    let folder = experiment(store.path(), "lrn", "ci");
    let path = write(&folder, &trial("a-seed", 7, 0.1, 0.5, Status::Finished));
    fs::write(path.join("trial.json"), "{").expect("written");
    let mut index = Index::open(store.path()).expect("an index");
    let rows = index.list(&Query::default()).expect("a list");
    assert_eq!((&*rows[0].variant, rows[0].seed), ("a-seed", 7));
    assert_eq!(&*rows[0].status, "damaged");
    assert!(rows[0].detail.contains("trial.json"), "{}", rows[0].detail);
}

#[test]
fn a_store_that_is_not_there_has_no_trials_and_is_not_made() {
    let store = tempfile::tempdir().expect("a folder");
    let absent = store.path().join("absent");
    let mut index = Index::open(&absent).expect("an index");
    assert!(names(&mut index).is_empty());
    assert!(!absent.exists());
}
