//! Trials as tasks of a real Slurm cluster; `tests/slurm/run.sh` starts one and runs
//! these.
#![cfg(unix)]

mod cluster;
mod gpus;
mod nodes;
mod preemption;
#[path = "../program.rs"]
mod program;
mod slow;
mod time;

use cluster::{
    EPOCHS, EXPERIMENT, assert_nothing_ran_twice, expected, job, on_slurm, queue, slurm,
};
use program::{Program, finish, interrupt, stderr, stdout, wait};

fn submitted(program: &Program) -> usize {
    cluster::submitted(program, EXPERIMENT)
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_cancelled_array_ends_the_run_and_the_same_command_goes_on() {
    let program = Program::new();
    let child = program.begin(&on_slurm(&[]));
    program.wait_for_epochs(EXPERIMENT, 5);
    slurm("scancel", &[&job().expect("a job")]);
    let (code, log) = finish(child);
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("of 4 trials stopped before their end; the same command goes on"),
        "{log}"
    );
    let output = program.succeed(&on_slurm(&[]));
    assert!(stderr(&output).contains(" finished"), "{}", stderr(&output));
    assert_eq!(submitted(&program), 2);
    assert_eq!(program.results(EXPERIMENT), *expected());
    assert_nothing_ran_twice(&program, EXPERIMENT, EPOCHS);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_run_that_is_killed_finds_its_job_again() {
    let program = Program::new();
    let mut child = program.begin(&on_slurm(&[]));
    program.wait_for_epochs(EXPERIMENT, 3);
    let twin = program.output(&on_slurm(&[]));
    assert_eq!(twin.status.code(), Some(1));
    assert!(
        stderr(&twin).contains("another process watches"),
        "{}",
        stderr(&twin)
    );
    child.kill().expect("killed");
    child.wait().expect("it ends");
    assert!(job().is_some(), "the tasks go on without it");
    program.succeed(&on_slurm(&[]));
    assert_eq!(submitted(&program), 1, "a trial was submitted twice");
    assert_eq!(program.results(EXPERIMENT), *expected());
    assert_nothing_ran_twice(&program, EXPERIMENT, EPOCHS);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_stop_saves_every_task_and_goes_on_another_time() {
    let program = Program::new();
    let child = program.begin(&on_slurm(&[]));
    program.wait_for_epochs(EXPERIMENT, 5);
    interrupt(&child);
    let (code, log) = finish(child);
    assert_eq!(code, Some(130), "{log}");
    assert_eq!(job(), None);
    program.succeed(&on_slurm(&[]));
    assert_eq!(program.results(EXPERIMENT), *expected());
    assert_nothing_ran_twice(&program, EXPERIMENT, EPOCHS);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn the_points_of_a_sweep_are_in_the_queue_together() {
    let mut run = vec!["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"];
    run.extend(["--set", "optimiser.lr=0.01,0.02,0.03", "--seeds", "1"]);
    let program = Program::new();
    // Nothing begins while the partition is down.
    let main = |state| slurm("scontrol", &["update", "PartitionName=main", state]);
    main("State=DOWN");
    let child = program.begin(&[run.clone(), cluster::launcher(&[])].concat());
    wait("three arrays of two tasks", || queue("%F").len() == 6);
    main("State=UP");
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(submitted(&program), 3);
    let here = Program::new();
    let output = here.succeed(&run);
    assert_eq!(program.results(EXPERIMENT), here.results(EXPERIMENT));
    let overview = stdout(&output);
    let rows = overview
        .lines()
        .filter(|row| row.contains("optimiser.lr=0.0"));
    assert!(rows.clone().count() >= 3, "{overview}");
    for row in rows.filter(|row| row.contains(" against ")) {
        assert!(log.contains(row), "{row} is not in\n{log}");
    }
}
