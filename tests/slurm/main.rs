//! Trials as tasks of a real Slurm cluster; `tests/slurm/run.sh` starts one and runs
//! these.
#![cfg(unix)]

#[path = "../program.rs"]
mod program;

use std::process::Command;

use program::{Program, finish, stderr, stdout, wait};

const EXPERIMENT: &str = "relu_vs_tanh/ci";

/// Four trials that each train for some seconds on one core.
fn local() -> Vec<&'static str> {
    let settings = [
        "optimiser.lr=0.01",
        "training.batch_size=16",
        "training.epochs=60",
        "machine.threads=1",
    ];
    let mut arguments = vec!["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"];
    arguments.extend(["--seeds", "2"]);
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    arguments
}

fn on_slurm() -> Vec<&'static str> {
    let launcher = ["--launcher", "slurm", "--launcher-set", "poll_seconds=0.5"];
    [local(), launcher.to_vec()].concat()
}

/// What the trials give in this process.
fn expected() -> Vec<(String, Vec<serde_json::Value>, Vec<u8>)> {
    let program = Program::new();
    program.succeed(&local());
    program.results(EXPERIMENT)
}

fn slurm(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).output();
    stdout(&output.expect("Slurm's commands"))
}

/// The job in the queue that is not over.
fn job() -> Option<String> {
    let queue = slurm("squeue", &["--noheader", "--format=%A"]);
    queue.lines().next().map(|line| line.trim().to_string())
}

/// The jobs that were ever submitted for the experiment.
fn submitted(program: &Program) -> usize {
    let desk = program.store().join(EXPERIMENT).join("launch");
    let entries = std::fs::read_dir(desk).expect("a folder").flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "sh"))
        .count()
}

/// No epoch of any trial was trained twice, by the trials' own logs.
fn assert_nothing_ran_twice(program: &Program) {
    for trial in program.trials(EXPERIMENT) {
        let log = std::fs::read_to_string(trial.join("log.txt")).expect("a log");
        for epoch in 1..=60 {
            let line = format!("epoch {epoch} of 60:");
            assert_eq!(log.matches(&line).count(), 1, "{line} in\n{log}");
        }
    }
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn an_array_gives_what_this_process_gives() {
    let program = Program::new();
    let output = program.succeed(&on_slurm());
    let log = stderr(&output);
    assert_eq!(log.matches(" finished").count(), 4, "{log}");
    assert!(log.contains("epoch 60/60"), "{log}");
    assert!(stdout(&output).contains("Verdict"), "{}", stdout(&output));
    assert_eq!(submitted(&program), 1);
    assert_eq!(program.results(EXPERIMENT), expected());
    assert_nothing_ran_twice(&program);
    assert!(stdout(&program.succeed(&["ls"])).contains("4 trials"));
    // Done trials are no tasks.
    program.succeed(&on_slurm());
    assert_eq!(submitted(&program), 1);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_node_that_dies_loses_no_finished_epoch() {
    let program = Program::new();
    let child = program.begin(&on_slurm());
    program.wait_for_epochs(EXPERIMENT, 5);
    // As if the power went: everything of the node at once.
    for name in ["slurmd", "slurmstepd"] {
        Command::new("pkill")
            .args(["-KILL", name])
            .status()
            .expect("pkill");
    }
    let killed = Command::new("pkill")
        .args([
            "-KILL",
            "-f",
            &format!("store {} .*--trial", program.path()),
        ])
        .status()
        .expect("pkill");
    assert!(killed.success(), "no task was at work");
    let folder = std::env::var("ABLATE_SLURM_FOLDER").expect("run.sh sets it");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/slurm/cluster.sh");
    wait("a dead node", || {
        slurm("sinfo", &["--noheader", "--format=%T"]).contains("down")
    });
    let node = Command::new(script).args(["node", &folder]).status();
    assert!(node.expect("a node").success());
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(program.results(EXPERIMENT), expected());
    let logs: Vec<String> = program
        .trials(EXPERIMENT)
        .iter()
        .map(|trial| std::fs::read_to_string(trial.join("log.txt")).expect("a log"))
        .collect();
    assert!(logs.iter().any(|log| log.contains("going on after epoch")));
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_cancelled_array_ends_the_run_and_the_same_command_goes_on() {
    let program = Program::new();
    let child = program.begin(&on_slurm());
    program.wait_for_epochs(EXPERIMENT, 5);
    slurm("scancel", &[&job().expect("a job")]);
    let (code, log) = finish(child);
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("of 4 trials stopped before their end; the same command goes on"),
        "{log}"
    );
    let output = program.succeed(&on_slurm());
    assert!(stderr(&output).contains(" finished"), "{}", stderr(&output));
    assert_eq!(submitted(&program), 2);
    assert_eq!(program.results(EXPERIMENT), expected());
    assert_nothing_ran_twice(&program);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_run_that_is_killed_finds_its_job_again() {
    let program = Program::new();
    let mut child = program.begin(&on_slurm());
    program.wait_for_epochs(EXPERIMENT, 3);
    let twin = program.output(&on_slurm());
    assert_eq!(twin.status.code(), Some(1));
    assert!(
        stderr(&twin).contains("another process watches"),
        "{}",
        stderr(&twin)
    );
    child.kill().expect("killed");
    child.wait().expect("it ends");
    assert!(job().is_some(), "the tasks go on without it");
    program.succeed(&on_slurm());
    assert_eq!(submitted(&program), 1, "a trial was submitted twice");
    assert_eq!(program.results(EXPERIMENT), expected());
    assert_nothing_ran_twice(&program);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_stop_saves_every_task_and_goes_on_another_time() {
    let program = Program::new();
    let child = program.begin(&on_slurm());
    program.wait_for_epochs(EXPERIMENT, 5);
    let id = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let (code, log) = finish(child);
    assert_eq!(code, Some(130), "{log}");
    assert_eq!(job(), None);
    program.succeed(&on_slurm());
    assert_eq!(program.results(EXPERIMENT), expected());
    assert_nothing_ran_twice(&program);
}
