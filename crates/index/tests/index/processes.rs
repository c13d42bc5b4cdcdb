//! Several processes write to one index at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use ablate_index::{Index, Query};
use ablate_store::Status;

use crate::fixture::{experiment, trial, write};

const STORE: &str = "ABLATE_INDEX_TEST_STORE";
const NUMBER: &str = "ABLATE_INDEX_TEST_NUMBER";
const PROCESSES: u64 = 4;
const TRIALS: u64 = 60;

/// What each process does; a test only when another has started it.
#[test]
#[ignore = "the test below starts it as a process"]
fn one_process() {
    let store = PathBuf::from(std::env::var_os(STORE).expect("started by the test below"));
    let number: u64 = std::env::var(NUMBER)
        .expect("a number")
        .parse()
        .expect("a number");
    let folder = experiment(&store, "lrn", "ci");
    for seed in 0..TRIALS {
        let started = trial(&format!("p{number}"), seed, 0.1, 0.5, Status::Unfinished);
        let mut ended = started.clone();
        ended.status = Status::Finished;
        let path = write(&folder, &started);
        let mut index = Index::to_record(&store).expect("an index");
        index.record(&path).expect("recorded");
        if seed % 20 == number {
            Index::open(&store).expect("read meanwhile");
        }
        write(&folder, &ended);
        index.record(&path).expect("recorded");
        assert_eq!(index.take_notes(), [""; 0]);
    }
}

fn start(store: &Path, number: u64) -> std::process::Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "processes::one_process", "--ignored", "--quiet"])
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .spawn()
        .expect("started")
}

#[test]
fn none_of_what_several_processes_write_is_lost() {
    let store = tempfile::tempdir().expect("a folder");
    // All begin with no index at all.
    let processes: Vec<_> = (0..PROCESSES).map(|n| start(store.path(), n)).collect();
    for mut process in processes {
        assert!(process.wait().expect("ended").success());
    }
    // Opened without a look at the store: what it has was written by them.
    let mut index = Index::to_record(store.path()).expect("an index");
    let rows = index.list(&Query::default()).expect("a list");
    assert_eq!(rows.len() as u64, PROCESSES * TRIALS);
    assert!(rows.iter().all(|row| &*row.status == "finished"));
    assert_eq!(index.take_notes(), [""; 0]);
}
