//! A trial that goes on from a changed checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ablate_store::{Status, checkpoint};

use super::MIB;
use super::stored::{Tiny, list_again, parts};
use crate::engine::Target;

#[test]
fn resume() {
    let tiny = Tiny::trained(1);
    let folder = tiny.trial();
    let names = ["trial", "metrics", "checkpoint", "tensors"];
    let (parts, paths) = parts(&folder, &names);
    assert!(checkpoint::newest(&folder).is_some(), "one to go on from");
    let whole = snapshot(&folder);
    let target = Target {
        name: "resume",
        parts,
        memory: 256 * MIB,
        share: 0.1,
    };
    target.run(|part, input| {
        let at = names.iter().position(|name| *name == part).expect("a part");
        std::fs::write(&paths[at], input).expect("writable");
        if part == "tensors" {
            list_again(&folder, input);
        }
        let trials = tiny.run(1);
        std::fs::remove_dir_all(tiny.store()).expect("removable");
        std::fs::create_dir_all(&folder).expect("writable");
        for (path, bytes) in &whole {
            std::fs::write(path, bytes).expect("writable");
        }
        let others = std::fs::read_dir(tiny.folder.path()).expect("readable");
        assert_eq!(others.count(), 2, "a file was written outside the store");
        for trial in trials.map_err(|error| error.to_string())? {
            if let Status::Failed { message } = trial.status {
                return Err(message);
            }
        }
        Ok(())
    });
}

fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("readable");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).expect("readable"));
    paths.map(read).collect()
}
