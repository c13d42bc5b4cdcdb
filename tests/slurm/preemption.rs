//! Trials that must make room for a more urgent job, and go on after it.

use crate::cluster::{
    assert_nothing_ran_twice, launcher, logs, printed, queue, slurm, submitted, task_on,
};
use crate::program::{Program, finish, wait};
use crate::slow::{EXPERIMENT, expected, nameless, run};

/// Has an urgent job take the place of a trial that trains on n1.
fn preempted(partition: &'static str) {
    // Half a minute: Slurm takes more than ten seconds over a grace of three.
    let epochs = "training.epochs=150";
    let trials = run("augmentation.negative.delay=25", epochs);
    let program = Program::new();
    let child = program.begin(&[trials, launcher(&[partition])].concat());
    program.wait_for_epochs(EXPERIMENT, 5);
    wait("a task on n1", || task_on("n1").is_some());
    let options = ["--partition=urgent", "--nodelist=n1", "--mem=100M"];
    let output = ["--output=/dev/null", "--wrap", "sleep 2"];
    slurm("sbatch", &[&options[..], &output].concat());
    wait("the urgent job on n1", || {
        let tasks = queue("%P %T");
        tasks.iter().any(|task| task == "urgent RUNNING")
    });
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(submitted(&program, EXPERIMENT), 1, "Slurm requeues it");
    let said = printed(&program, EXPERIMENT);
    assert_eq!(said.matches("DUE TO PREEMPTION").count(), 1, "{said}");
    assert_eq!(nameless(&program), expected(epochs));
    // It had the time to save.
    assert_nothing_ran_twice(&program, EXPERIMENT, 150);
    let went_on = |log: &String| log.contains("going on after epoch");
    let logs: Vec<String> = logs(&program, EXPERIMENT)
        .into_iter()
        .map(|(_, log)| log)
        .collect();
    assert_eq!(logs.iter().filter(|log| went_on(log)).count(), 1);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_preempted_trial_saves_and_goes_on() {
    preempted("partition=main");
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_preempted_trial_with_grace_saves_and_goes_on() {
    preempted("partition=graceful");
}
