//! A trial that goes on from a changed checkpoint.

use ablate_store::{Status, checkpoint};

use super::MIB;
use super::stored::{Tiny, files, list_again};
use crate::engine::Target;

#[test]
fn resume() {
    let tiny = Tiny::trained(1);
    let folder = tiny.trial();
    let names = ["trial", "metrics", "checkpoint", "tensors"];
    assert!(checkpoint::newest(&folder).is_some(), "one to go on from");
    let files = files(&folder, &names).with_others(&folder);
    let target = Target {
        name: "resume",
        parts: files.parts(),
        memory: 256 * MIB,
        share: 0.1,
    };
    target.run(|part, input| {
        let trials = files.changed(part, input, || {
            if part == "tensors" {
                list_again(&folder, input);
            }
            let trials = tiny.run(1);
            std::fs::remove_dir_all(tiny.store()).expect("removable");
            trials
        });
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
