//! An index that is damaged, of another version or not writable costs time, never
//! an answer.

use std::fs;
use std::path::Path;

use ablate_index::{FILE, Index, Query};
use ablate_store::Status;

use crate::fixture::{experiment, trial, write};

fn store(trials: u64) -> tempfile::TempDir {
    let store = tempfile::tempdir().expect("a folder");
    let folder = experiment(store.path(), "lrn", "ci");
    for seed in 0..trials {
        write(&folder, &trial("a", seed, 0.1, 0.5, Status::Finished));
    }
    store
}

/// The number of trials the index lists, and what it says of itself.
fn listed(store: &Path) -> (usize, Vec<String>) {
    let mut index = Index::open(store).expect("an index");
    let rows = index.list(&Query::default()).expect("a list").len();
    (rows, index.take_notes())
}

#[test]
fn a_damaged_file_is_built_again_with_a_message() {
    let store = store(40);
    let store = store.path();
    assert_eq!(listed(store), (40, Vec::new()));
    let file = store.join(FILE);
    let good = fs::read(&file).expect("read");
    let torn = good[..good.len() / 2].to_vec();
    let mut holes = good.clone();
    for at in (4096..holes.len()).step_by(4096) {
        holes[at..at + 8].fill(0xff);
    }
    let mut head = good.clone();
    head[..100].fill(b'x');
    for damaged in [
        b"not a database".to_vec(),
        torn,
        holes,
        head,
        vec![0xff; 9000],
    ] {
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(store.join(format!("{FILE}{ending}")));
        }
        fs::write(&file, damaged).expect("written");
        let (rows, notes) = listed(store);
        assert_eq!(rows, 40, "{notes:?}");
        assert!(
            notes.iter().any(|note| note.contains("damaged")),
            "{notes:?}"
        );
        assert_eq!(listed(store), (40, Vec::new()), "it is good again");
    }
    fs::remove_file(&file).expect("removed");
    assert_eq!(
        listed(store),
        (40, Vec::new()),
        "a missing one is built in silence"
    );
}

#[test]
fn a_file_damaged_while_it_is_open_is_built_again() {
    let store = store(40);
    let mut index = Index::open(store.path()).expect("an index");
    // Another program's table in the place of ours, as another version would have.
    let other = rusqlite::Connection::open(store.path().join(FILE)).expect("open");
    other
        .execute_batch("DROP TABLE folders; CREATE TABLE folders(x)")
        .expect("changed");
    drop(other);
    assert_eq!(index.list(&Query::default()).expect("a list").len(), 40);
    assert!(!index.take_notes().is_empty());
}

#[test]
fn a_file_of_another_version_is_built_again() {
    let store = store(3);
    assert_eq!(listed(store.path()).0, 3);
    let other = rusqlite::Connection::open(store.path().join(FILE)).expect("open");
    other.pragma_update(None, "user_version", 77).expect("set");
    drop(other);
    let (rows, notes) = listed(store.path());
    assert_eq!(rows, 3);
    assert!(notes[0].contains("another version"), "{notes:?}");
    assert_eq!(listed(store.path()), (3, Vec::new()));
}

#[test]
fn where_no_file_can_be_written_the_folders_are_read() {
    let store = store(3);
    fs::create_dir(store.path().join(FILE)).expect("a folder in its place");
    for _ in 0..2 {
        let (rows, notes) = listed(store.path());
        assert_eq!(rows, 3);
        assert!(notes[0].contains("cannot be used"), "{notes:?}");
    }
    assert!(Index::to_record(store.path()).is_err());
}

#[test]
fn an_index_that_is_mended_is_asked_for_the_same_keys() {
    let store = tempfile::tempdir().expect("a folder");
    let [first, last] = ["a", "b"].map(|name| experiment(store.path(), name, "ci"));
    let one = trial("one", 0, 0.1, 0.5, Status::Finished);
    let mut other = trial("other", 0, 0.01, 0.5, Status::Finished);
    other.config["augmentation"] = serde_json::json!({ "size": 24 });
    // Keys are numbered as they come: other ones than folder by folder.
    for (folder, trial) in [(&last, &other), (&first, &one)] {
        let path = write(folder, trial);
        let mut index = Index::to_record(store.path()).expect("an index");
        index.record(&path).expect("recorded");
    }
    let query = Query {
        conditions: vec!["optimiser.lr>=0.05".parse().expect("a condition")],
        columns: vec!["optimiser.lr".to_string()],
        sort: Some("model.name".to_string()),
        ..Query::default()
    };
    for damage in [
        "DROP TABLE folders; CREATE TABLE folders(x)",
        "DROP TABLE keys; CREATE TABLE keys(x)",
    ] {
        let mut index = Index::open(store.path()).expect("an index");
        let other = rusqlite::Connection::open(store.path().join(FILE)).expect("open");
        other.execute_batch(damage).expect("changed");
        drop(other);
        let rows = index.list(&query).expect("a list");
        assert!(!index.take_notes().is_empty(), "{damage}");
        let found: Vec<_> = rows
            .iter()
            .map(|row| (&*row.variant, &row.columns))
            .collect();
        assert_eq!(found, [("one", &vec![0.1.into()])], "{damage}");
    }
}
