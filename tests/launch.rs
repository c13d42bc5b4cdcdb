//! Trials that a launcher runs elsewhere, by one of the outside crate's that has them
//! run as processes here. `tests/slurm` has a real cluster.
#![cfg(target_os = "linux")]

mod program;

use std::process::Command;

use program::{Program, Results, finish, interrupt, stderr, stdout, wait};

const EXPERIMENT: &str = "relu_vs_tanh/ci";

/// Two trials that train for a while.
fn local(epochs: &'static str) -> Vec<&'static str> {
    let file = "experiments/relu_vs_tanh.toml";
    let mut arguments = vec!["run", file, "--profile", "ci", "--seeds", "1"];
    for setting in [
        "optimiser.lr=0.01",
        "training.batch_size=16",
        "machine.threads=1",
        epochs,
    ] {
        arguments.extend(["--set", setting]);
    }
    arguments
}

fn launched(epochs: &'static str) -> Vec<&'static str> {
    [local(epochs), vec!["--launcher", "processes"]].concat()
}

/// Sends every task of a store a signal; whether there was one.
fn signal_tasks(program: &Program, signal: &str) -> bool {
    let pattern = format!("store {} .*--trial", program.path());
    let sent = Command::new("pkill")
        .args([signal, "-f", &pattern])
        .status();
    sent.expect("pkill").success()
}

/// The jobs that were ever submitted.
fn submitted(program: &Program) -> usize {
    let desk = program.store().join(EXPERIMENT).join("launch");
    let entries = std::fs::read_dir(desk).expect("a folder").flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "pids"))
        .count()
}

fn expected(epochs: &'static str) -> Results {
    let program = Program::new();
    program.succeed(&local(epochs));
    program.results(EXPERIMENT)
}

#[test]
fn a_search_and_its_trials_give_the_bits_of_this_process() {
    let run = ["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"];
    let here = Program::new();
    here.succeed(&run);
    let there = Program::new();
    let output = there.succeed(&[&run[..], &["--launcher", "processes"]].concat());
    assert_eq!(here.results(EXPERIMENT), there.results(EXPERIMENT));
    let search = "relu_vs_tanh/ci/search";
    assert_eq!(here.results(search), there.results(search));
    assert!(stdout(&output).contains("Verdict"), "{}", stdout(&output));
    assert_eq!(
        stderr(&output).matches(" finished").count(),
        8,
        "{}",
        stderr(&output)
    );
    let listed = stdout(&there.succeed(&["ls"]));
    assert!(listed.contains("4 trials"), "{listed}");

    // Done trials are no tasks; a task's own command says so.
    there.succeed(&[&run[..], &["--launcher", "processes"]].concat());
    assert_eq!(submitted(&there), 1);
    let name = there.results(EXPERIMENT)[0].0.clone();
    let again = there.succeed(&[&run[..], &["--trial", &name]].concat());
    assert!(stderr(&again).contains("already finished"));
    let unknown = there.fail(&[&run[..], &["--trial", "relu-seed9-00000000"]].concat());
    assert!(
        unknown.contains("no trial `relu-seed9-00000000`"),
        "{unknown}"
    );
}

#[test]
fn tasks_that_are_cut_off_are_submitted_again() {
    let epochs = "training.epochs=40";
    let program = Program::new();
    let child = program.begin(&launched(epochs));
    program.wait_for_epochs(EXPERIMENT, 3);
    assert!(signal_tasks(&program, "-KILL"), "no task was at work");
    let (code, log) = finish(child);
    assert_eq!(code, Some(0), "{log}");
    assert!(submitted(&program) >= 2);
    assert_eq!(program.results(EXPERIMENT), expected(epochs));
}

#[test]
fn a_run_that_is_killed_finds_its_tasks_again() {
    let epochs = "training.epochs=60";
    let program = Program::new();
    let mut child = program.begin(&launched(epochs));
    program.wait_for_epochs(EXPERIMENT, 2);
    let twin = program.fail(&launched(epochs));
    assert!(
        twin.contains("another process watches these trials"),
        "{twin}"
    );
    child.kill().expect("killed");
    child.wait().expect("it ends");
    program.succeed(&launched(epochs));
    assert_eq!(submitted(&program), 1, "a trial was submitted twice");
    assert_eq!(program.results(EXPERIMENT), expected(epochs));
}

#[test]
fn a_stop_cancels_every_task_and_the_same_command_goes_on() {
    let epochs = "training.epochs=60";
    let program = Program::new();
    let child = program.begin(&launched(epochs));
    program.wait_for_epochs(EXPERIMENT, 3);
    interrupt(&child);
    let (code, log) = finish(child);
    assert_eq!(code, Some(130), "{log}");
    assert!(!signal_tasks(&program, "-0"), "a task is still at work");
    let log = stderr(&program.succeed(&launched(epochs)));
    assert!(log.contains("going on after epoch"), "{log}");
    assert_eq!(program.results(EXPERIMENT), expected(epochs));
}

#[test]
fn a_stop_is_heard_while_the_batch_system_is_away() {
    let program = Program::new();
    let child = program.begin(&launched("training.epochs=60"));
    program.wait_for_epochs(EXPERIMENT, 2);
    let list = program.store().join(EXPERIMENT).join("launch/0.pids");
    let away = list.with_extension("away");
    std::fs::rename(&list, &away).expect("renamed");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let id = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let (code, log) = finish(child);
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("does not answer") && log.contains("fix:"),
        "{log}"
    );
    // Its tasks go on, and the next run finds them.
    std::fs::rename(&away, &list).expect("renamed");
    program.succeed(&launched("training.epochs=60"));
    assert_eq!(submitted(&program), 1);
}

#[test]
fn the_points_of_a_sweep_are_submitted_together_and_stopped_together() {
    let mut run = local("training.epochs=60");
    run.extend(["--set", "training.batch_size=16,20"]);
    let launched = [run.clone(), vec!["--launcher", "processes"]].concat();
    let program = Program::new();
    let child = program.begin(&launched);
    program.wait_for_epochs(EXPERIMENT, 2);
    wait("both points", || submitted(&program) == 2);
    interrupt(&child);
    let (code, log) = finish(child);
    assert_eq!(code, Some(130), "{log}");
    wait("no task", || !signal_tasks(&program, "-0"));
    program.succeed(&launched);
    let here = Program::new();
    here.succeed(&run);
    assert_eq!(program.results(EXPERIMENT), here.results(EXPERIMENT));
}

#[test]
fn tasks_that_never_come_on_are_given_up() {
    let program = Program::new();
    let arguments = [
        launched("training.epochs=2"),
        vec!["--launcher-set", "program=/bin/false"],
    ];
    let error = program.fail(&arguments.concat());
    assert!(
        error.contains("3 tasks in a row ended without coming on"),
        "{error}"
    );
    assert!(
        error.contains("2 of 2 trials stopped before their end"),
        "{error}"
    );
    assert_eq!(submitted(&program), 3);
}

#[test]
fn launchers_and_their_keys_are_checked() {
    let program = Program::new();
    let run = local("training.epochs=1");
    for (more, parts) in [
        (
            vec!["--launcher", "slrum"],
            ["--launcher slrum", "did you mean `slurm`?"],
        ),
        (
            vec!["--launcher", "slurm", "--launcher-set", "partitoin=gpu"],
            ["partitoin", "did you mean `partition`?"],
        ),
        (
            vec!["--launcher", "slurm", "--launcher-set", "at_once=0"],
            ["at_once", "give 1 or more"],
        ),
        (
            vec!["--launcher", "slurm", "--jobs", "2"],
            ["--jobs 2", "leave --jobs out"],
        ),
        (
            vec!["--launcher", "slurm", "--set", "machine.device=\"cuda:1\""],
            ["`cuda:1`", "set machine.device=\"cuda\""],
        ),
        (
            vec!["--launcher-set", "partition=gpu"],
            ["this process has no such keys", "--launcher slurm"],
        ),
    ] {
        let error = program.fail(&[run.clone(), more].concat());
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
}
