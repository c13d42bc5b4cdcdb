//! Locks that a killed run left, whatever is in them, and whoever has its number now.

use std::fs;
use std::time::Duration;

use ablate_store::TrialFolder;

use crate::moment::{Moment, kill_at};
use crate::program::{Program, stdout};
use crate::work::Work;

#[test]
fn a_lock_is_held_by_a_process_and_not_by_a_file() {
    let work = Work::Training;
    let program = Program::new();
    let killed = kill_at(&program, work, Moment::Aside(8));
    assert!(killed.is_some(), "it ended before it could be killed");
    let trial = program.trials(work.folder())[0].clone();
    let lock = trial.join(".lock");
    assert!(lock.exists(), "the killed run left its lock's file");
    // A process that lives, as if it had been given the killed one's number.
    fs::write(&lock, std::process::id().to_string()).expect("written");
    let listed = |status: &str| {
        let listed = stdout(&program.succeed(&["ls"]));
        let line = listed.lines().find(|line| line.contains("-seed"));
        assert!(
            line.is_some_and(|line| line.contains(status)),
            "no {status} in {listed}"
        );
    };
    listed("unfinished");

    let held = TrialFolder::open(&trial).lock().expect("nobody holds it");
    listed("running");
    let error = program.fail(&work.run());
    assert!(
        error.contains("another process is running this trial"),
        "{error}"
    );
    drop(held);
    program.succeed(&work.run());
    work.check(&program, "a lock's file that was left");
}

#[test]
fn what_another_process_ended_meanwhile_is_not_trained_again() {
    let work = Work::Trials;
    let program = Program::new();
    program.succeed(&work.run());
    let trials = program.trials(work.folder());
    // The first in the order of the plan.
    let trial = trials
        .iter()
        .find(|trial| trial.display().to_string().contains("/without-seed0"));
    let trial = trial.expect("it ran");
    let record = trial.join("trial.json");
    let finished = fs::read_to_string(&record).expect("a record");
    let unfinished = finished.replace("\"finished\"", "\"unfinished\"");
    let metrics = trial.join("metrics.jsonl");
    let written = || {
        fs::metadata(&metrics)
            .and_then(|file| file.modified())
            .expect("a time")
    };
    // A run waits for a lock for a moment only, so not every try meets it waiting.
    for pause in [40, 80, 120, 160, 200] {
        fs::write(&record, &unfinished).expect("written");
        let before = written();
        let held = TrialFolder::open(trial).lock().expect("nobody holds it");
        let arguments = work.run();
        let run = std::thread::scope(|scope| {
            let run = scope.spawn(|| program.output(&arguments));
            std::thread::sleep(Duration::from_millis(pause));
            fs::write(&record, &finished).expect("written");
            drop(held);
            run.join().expect("it ran")
        });
        // A run that trains begins by writing the metrics anew.
        match run.status.code() {
            Some(0) => assert_eq!(written(), before, "after {pause} ms it was trained again"),
            // It was not patient enough.
            code => assert_eq!(code, Some(1)),
        }
    }
    program.succeed(&work.run());
    work.check(&program, "a trial that another process ended");
}
