//! `rm` and `gc`: what they remove, and what they never do.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use ablate_store::{Checkpoint, Status, TrialFolder, checkpoint};
use serde_json::json;

use crate::fixture::{experiment, trial, write};
use crate::program::{Program, stderr, stdout};

/// Three finished trials with two checkpoints each; the folders.
fn program() -> (Program, Vec<PathBuf>) {
    let program = Program::new();
    let lrn = experiment(program.store(), "lrn", "ci");
    let folders = [0.1, 0.01, 0.001].map(|lr| {
        let folder = write(&lrn, &trial("plain", 0, lr, 0.25, Status::Finished));
        for step in 1..=2 {
            let checkpoint = Checkpoint {
                progress: json!({ "step": step }),
                tensors: vec![0; 5000],
            };
            checkpoint::save(&folder, step, &checkpoint).expect("saved");
        }
        folder
    });
    (program, folders.to_vec())
}

#[test]
fn rm_asks_and_removes_what_is_chosen() {
    let (program, folders) = program();
    let condition = ["rm", "--where", "optimiser.lr>=0.01"];
    let mut command = program.command(&condition);
    let output = command.stdin(Stdio::null()).output().expect("started");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("add --yes"), "{}", stderr(&output));
    assert!(folders.iter().all(|folder| folder.exists()));

    let text = stdout(&program.succeed(&[&condition[..], &["--yes"]].concat()));
    assert!(text.contains("removed 2 of 2, 2"), "{text}");
    assert_eq!(
        folders.iter().map(|f| f.exists()).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert!(stdout(&program.succeed(&["ls"])).contains("1 trial,"));
    let left = fs::read_dir(program.store().join("lrn/ci"))
        .expect("it is there")
        .count();
    assert_eq!(left, 2, "the experiment's record and one trial");

    let name = folders[2].to_str().expect("UTF-8");
    program.succeed(&["rm", name, "--yes"]);
    assert!(!folders[2].exists());
    assert_eq!(
        stdout(&program.succeed(&["rm", "--status", "failed"])),
        "no trials\n"
    );
    assert!(program.fail(&["rm", "--yes"]).contains("no trial is named"));
}

#[test]
fn rm_leaves_a_trial_alone_that_runs_elsewhere() {
    let (program, folders) = program();
    let lock = TrialFolder::open(&folders[0]).lock().expect("free");
    let error = program.fail(&["rm", "--profile", "ci", "--yes"]);
    assert!(
        error.contains("another process is running this trial"),
        "{error}"
    );
    assert_eq!(
        folders.iter().map(|f| f.exists()).collect::<Vec<_>>(),
        [true, false, false]
    );
    drop(lock);
    program.succeed(&["rm", "--profile", "ci", "--yes"]);
    assert!(!folders[0].exists());
}

#[test]
fn gc_counts_first_and_keeps_every_trial() {
    let (program, folders) = program();
    fs::write(
        folders[0].join("checkpoint-000000009.safetensors"),
        [0; 3000],
    )
    .expect("written");
    let looked = stdout(&program.succeed(&["gc"]));
    assert!(
        looked.contains("18 kB can be freed in 3 folders: add --yes"),
        "{looked}"
    );
    assert_eq!(
        stdout(&program.succeed(&["gc", "--json"])).lines().count(),
        4
    );
    let files = |folder: &PathBuf| fs::read_dir(folder).expect("a folder").count();
    let before: Vec<usize> = folders.iter().map(files).collect();
    program.succeed(&["gc"]);
    assert_eq!(
        folders.iter().map(files).collect::<Vec<_>>(),
        before,
        "it only looked"
    );

    let removed = stdout(&program.succeed(&["gc", "--yes"]));
    assert!(removed.contains("18 kB freed in 3 folders"), "{removed}");
    for folder in &folders {
        let loaded = checkpoint::load(folder)
            .expect("good")
            .checkpoint
            .expect("one");
        assert_eq!(loaded.progress, json!({ "step": 2 }));
    }
    assert_eq!(stdout(&program.succeed(&["gc"])), "nothing to remove\n");

    program.succeed(&["gc", "--checkpoints", "--yes"]);
    assert!(
        checkpoint::load(&folders[0])
            .expect("none")
            .checkpoint
            .is_none()
    );
    let table = stdout(&program.succeed(&["ls"]));
    assert!(
        table.contains("3 trials") && !table.contains("5.0 kB"),
        "{table}"
    );
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_store_is_removed() {
    use std::os::unix::fs::symlink;
    let (program, folders) = program();
    let (elsewhere, outside) = self::program();
    symlink(&outside[0], program.store().join("lrn/ci/linked-seed0-1")).expect("a link");
    symlink(elsewhere.store().join("lrn"), program.store().join("other")).expect("a link");
    // They are listed, being there to be read.
    let table = stdout(&program.succeed(&["ls"]));
    assert!(
        table.contains("linked-seed0-1") && table.contains("other/ci/"),
        "{table}"
    );
    let error = program.fail(&["rm", "--profile", "ci", "--yes"]);
    assert!(error.contains("it is a link"), "{error}");
    assert!(folders.iter().all(|folder| !folder.exists()));
    program.fail(&["gc", "--checkpoints", "--yes"]);
    for folder in &outside {
        assert!(folder.join("trial.json").exists());
        assert!(folder.join("checkpoint-000000001.safetensors").exists());
    }
}
