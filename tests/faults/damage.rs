//! A damaged checkpoint: the one before it serves, to the same bits, and that is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{Program, newest_checkpoint, stderr, stdout};
use crate::work::Work;

/// That are kept of a trial.
const CHECKPOINTS: usize = 2;

/// Done to a checkpoint's file.
type Damage = fn(&Path);

/// What can become of a trial's newest checkpoint.
const DAMAGES: [(&str, Damage); 5] = [
    ("cut off", |file| {
        let bytes = fs::read(file).expect("a checkpoint");
        fs::write(file, &bytes[..bytes.len() / 2]).expect("written");
    }),
    ("a bit flipped", |file| {
        let mut bytes = fs::read(file).expect("a checkpoint");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).expect("written");
    }),
    ("empty", |file| fs::write(file, b"").expect("written")),
    ("missing", |file| fs::remove_file(file).expect("removed")),
    ("other progress", |file| {
        let list = file.with_file_name("checkpoint.json");
        let text = fs::read_to_string(&list).expect("a list");
        let other = text.replacen("\"learning_rate\": 0.01", "\"learning_rate\": 0.02", 1);
        assert_ne!(other, text);
        fs::write(list, other).expect("written");
    }),
];

/// Undoes a trial's end, as if it had been cut off before its record was written.
fn undo_end(trial: &Path) {
    let path = trial.join("trial.json");
    let record = fs::read_to_string(&path).expect("a record");
    fs::write(path, record.replace("\"finished\"", "\"unfinished\"")).expect("written");
}

#[test]
fn the_checkpoint_before_a_damaged_one_serves_and_that_is_said() {
    let work = Work::Training;
    let whole = Program::new();
    whole.succeed(&work.run());
    for (what, damage) in DAMAGES {
        let program = Program::new();
        let mut copy = Command::new("cp");
        let copied = copy
            .arg("-r")
            .arg(whole.store().join("lrn"))
            .arg(program.store())
            .status();
        assert!(copied.expect("cp runs").success());
        let trial = &program.trials(work.folder())[0];
        undo_end(trial);
        let file = newest_checkpoint(trial).expect("a list");
        damage(&file);
        let json = [work.run(), vec!["--json"]].concat();
        let output = match what {
            "empty" => program.succeed(&json),
            _ => program.succeed(&work.run()),
        };
        let said = stderr(&output) + &stdout(&output);
        let log = fs::read_to_string(trial.join("log.txt")).expect("a log");
        for text in [&said, &log] {
            let line = text
                .lines()
                .find(|line| line.contains(file.to_str().expect("a path")));
            let line = line.unwrap_or_else(|| panic!("{what}: the file is not named in\n{text}"));
            assert!(
                line.contains("going on from the checkpoint before it"),
                "{what}: {line}"
            );
        }
        work.check(&program, what);
    }
}

#[test]
fn without_a_good_checkpoint_nothing_is_overwritten() {
    let work = Work::Trials;
    let program = Program::new();
    program.succeed(&work.run());
    let trial = &program.trials(work.folder())[0];
    undo_end(trial);
    for entry in fs::read_dir(trial).expect("a folder").flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("checkpoint-")
        {
            fs::write(entry.path(), b"torn").expect("written");
        }
    }
    let error = program.fail(&work.run());
    for part in [
        "no checkpoint reads back",
        "checkpoint.json",
        "fix: remove the trial's folder",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let torn = || {
        let entries = fs::read_dir(trial).expect("a folder").flatten();
        let bytes = entries.filter_map(|entry| fs::read(entry.path()).ok());
        bytes.filter(|bytes| bytes == b"torn").count()
    };
    assert_eq!(torn(), CHECKPOINTS);
    // Nor without a list that says which they are.
    let list = trial.join("checkpoint.json");
    let text = fs::read_to_string(&list).expect("a list");
    fs::write(&list, &text[..text.len() / 2]).expect("written");
    let error = program.fail(&work.run());
    for part in [
        list.to_str().expect("UTF-8"),
        "fix: remove the trial's folder",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(torn(), CHECKPOINTS, "a checkpoint has gone");
    fs::remove_dir_all(trial).expect("removed");
    program.succeed(&work.run());
    work.check(&program, "the fix");
}
