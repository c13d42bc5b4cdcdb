//! Tasks that reach the end of their time. Slurm counts it in minutes, so the three
//! runs here go on side by side.

use std::process::Child;

use crate::cluster::{assert_nothing_ran_twice, launcher, logs, printed, submitted};
use crate::program::{Program, finish};
use crate::slow::{EXPERIMENT, expected, nameless, run};

/// The same as tasks of a minute; Slurm gives up to half a minute more.
fn begin(program: &Program, run: &[&'static str]) -> Child {
    let keys = ["partition=wide", "time=1", "notice_seconds=1"];
    program.begin(&[run, &launcher(&keys)].concat())
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn tasks_that_run_out_of_time_are_followed_by_others() {
    // Steps of a fifth of a second, and enough of them for more than a minute and a half.
    let many = "training.epochs=500";
    let quick = run("augmentation.negative.delay=25", many);
    // 46 s: a task that is told in the first step has done nothing when it stops, which at
    // the latest the third is not; then the end of the time comes in the second step.
    let two = "training.epochs=2";
    let slow = run("augmentation.negative.delay=5750", two);
    // 120 s: no task ever comes to the end of a step.
    let endless = run("augmentation.negative.delay=15000", two);
    let [saves, is_killed, gives_up] = [Program::new(), Program::new(), Program::new()];
    let children = [
        begin(&saves, &quick),
        begin(&is_killed, &slow),
        begin(&gives_up, &endless),
    ];
    let [saved, killed, given_up] = children.map(finish);

    assert_eq!(saved.0, Some(0), "{}", saved.1);
    assert!(submitted(&saves, EXPERIMENT) >= 2);
    let said = printed(&saves, EXPERIMENT);
    assert!(!said.contains("ended at once"), "it stops before: {said}");
    assert_nothing_ran_twice(&saves, EXPERIMENT, 500);
    assert_eq!(nameless(&saves), expected(many));

    assert_eq!(killed.0, Some(0), "{}", killed.1);
    let said = printed(&is_killed, EXPERIMENT);
    assert_eq!(said.matches("ended at once").count(), 2, "{said}");
    for (_, log) in logs(&is_killed, EXPERIMENT) {
        assert!(log.contains("going on after epoch 1"), "{log}");
    }
    assert_nothing_ran_twice(&is_killed, EXPERIMENT, 2);
    assert_eq!(nameless(&is_killed), expected(two));

    let (code, log) = given_up;
    assert_eq!(code, Some(1), "{log}");
    let warning = "3 tasks in a row ended without coming on";
    assert_eq!(log.matches(warning).count(), 2, "{log}");
    assert!(
        log.contains("2 of 2 trials stopped before their end"),
        "{log}"
    );
    assert_eq!(submitted(&gives_up, EXPERIMENT), 3);
}
