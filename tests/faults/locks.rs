//! Locks that a killed run left, whatever is in them, and whoever has its number now.

use std::fs;
use std::process::Child;
use std::time::Duration;

use ablate_store::TrialFolder;

use crate::moment::{Moment, kill_at};
use crate::program::{self, Program, stdout};
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
    assert_ne!(finished, unfinished);
    let metrics = trial.join("metrics.jsonl");
    let written = || {
        fs::metadata(&metrics)
            .and_then(|file| file.modified())
            .expect("a time")
    };
    let lock = trial.join(".lock").canonicalize().expect("a lock's file");
    let waits = |run: &Child| {
        let files = fs::read_dir(format!("/proc/{}/fd", run.id()));
        let mut files = files.into_iter().flatten().flatten();
        files.any(|file| fs::read_link(file.path()).is_ok_and(|file| file == lock))
    };
    // A run waits for a lock for a moment only, which a busy machine may outlast.
    let met = (0..20).any(|_| {
        fs::write(&record, &unfinished).expect("written");
        let before = written();
        let held = TrialFolder::open(trial).lock().expect("nobody holds it");
        let mut run = program.begin(&work.run());
        while !waits(&run) && run.try_wait().expect("a process").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        fs::write(&record, &finished).expect("written");
        drop(held);
        let (code, said) = program::finish(run);
        let has_waited = code == Some(0);
        assert!(has_waited || code == Some(1), "{said}");
        // A run that trains begins by writing the metrics anew.
        assert!(!has_waited || written() == before, "it was trained again");
        has_waited
    });
    assert!(met, "no run waited for the lock");
    program.succeed(&work.run());
    work.check(&program, "a trial that another process ended");
}
