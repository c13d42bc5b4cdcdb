//! Several nodes, of which one may die.

use std::process::Command;

use crate::cluster::{
    EPOCHS, EXPERIMENT, assert_nothing_ran_twice, control, expected, folder, job, logs, on_slurm,
    submitted, task_on, wait_for_node,
};
use crate::program::{Program, finish, stderr, stdout, wait};

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn an_array_on_two_nodes_gives_what_this_process_gives() {
    let program = Program::new();
    let child = program.begin(&on_slurm(&[]));
    wait(
        "a task on each node",
        || matches!((task_on("n1"), task_on("n2")), (Some(one), Some(other)) if one != other),
    );
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches(" finished (").count(), 4, "{log}");
    assert!(log.contains(&format!("epoch {EPOCHS}/{EPOCHS}")), "{log}");
    assert!(log.contains("Verdict"), "{log}");
    assert_eq!(submitted(&program, EXPERIMENT), 1);
    assert_eq!(program.results(EXPERIMENT), *expected());
    assert_nothing_ran_twice(&program, EXPERIMENT, EPOCHS);
    assert!(stdout(&program.succeed(&["ls"])).contains("4 trials"));
    // Done trials are no tasks.
    let again = program.succeed(&on_slurm(&[]));
    assert!(
        !stderr(&again).contains(" finished in"),
        "{}",
        stderr(&again)
    );
    assert_eq!(submitted(&program, EXPERIMENT), 1);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_node_that_dies_loses_no_finished_epoch_and_the_other_goes_on() {
    let program = Program::new();
    let child = program.begin(&on_slurm(&[]));
    wait("a task on each node", || {
        task_on("n1").is_some() && task_on("n2").is_some()
    });
    program.wait_for_epochs(EXPERIMENT, 5);
    let lost = task_on("n1").expect("a task on n1");
    control("kill", &["n1"]);
    wait_for_node("n1", "down");
    wait("the lost task on the other node", || {
        task_on("n2") == Some(lost)
    });
    let (code, log) = finish(child);
    wait_for_node("n1", "down");
    control("node", &["n1"]);
    wait_for_node("n1", "idle");
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(submitted(&program, EXPERIMENT), 1, "Slurm requeues it");
    assert_eq!(program.results(EXPERIMENT), *expected());

    let list = program.store().join(EXPERIMENT).join("launch/0.tasks");
    let tasks = std::fs::read_to_string(list).expect("the list of tasks");
    let lost = tasks.lines().nth(lost).expect("its line");
    for (name, log) in logs(&program, EXPERIMENT) {
        let went_on = log.contains("going on after epoch");
        assert_eq!(went_on, name == lost, "{name}\n{log}");
        // A dead node may have measured an epoch whose checkpoint it did not write.
        let again =
            (1..=EPOCHS).map(|epoch| log.matches(&format!("epoch {epoch} of {EPOCHS}:")).count());
        assert!(
            again.sum::<usize>() <= EPOCHS + usize::from(name == lost),
            "{log}"
        );
    }
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_controller_that_starts_anew_does_not_end_the_run() {
    let program = Program::new();
    let child = program.begin(&on_slurm(&[]));
    program.wait_for_epochs(EXPERIMENT, 5);
    let job = format!("--jobs={}", job().expect("a job"));
    let number = format!("{}/slurmctld.pid", folder());
    let number = std::fs::read_to_string(number).expect("its number");
    let stopped = Command::new("kill").arg(number.trim()).status();
    assert!(stopped.expect("kill").success());
    // A question is given up after a while: when a second one is, one of the run's is.
    let answers = || {
        let asked = Command::new("squeue").arg(&job).output();
        asked.expect("Slurm's commands").status.success()
    };
    wait("no answer", || !answers());
    assert!(!answers());
    control("controller", &[]);
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("asking again").count(), 1, "{log}");
    assert_eq!(submitted(&program, EXPERIMENT), 1);
    assert_eq!(program.results(EXPERIMENT), *expected());
    assert_nothing_ran_twice(&program, EXPERIMENT, EPOCHS);
}
