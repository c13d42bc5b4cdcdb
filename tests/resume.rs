//! Nothing finished is run again, and a run that is cut off ends as if it had
//! not been.

mod program;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use program::{Program, Results};

const EXPERIMENT: &str = "experiments/relu_vs_tanh.toml";
/// Small enough for seconds, long enough to be cut off in the middle.
const SIZE: [&str; 10] = [
    "--profile",
    "ci",
    "--seeds",
    "1",
    "--set",
    "training.epochs=6",
    "--set",
    "training.batch_size=16",
    // A key with a value is not searched; tests/search.rs does that.
    "--set",
    "optimiser.lr=0.01",
];

fn arguments() -> Vec<&'static str> {
    [&["run", EXPERIMENT], SIZE.as_slice()].concat()
}

fn uninterrupted() -> Results {
    let program = Program::new();
    program.succeed(&arguments());
    program.results("relu_vs_tanh/ci")
}

/// Waits until some trial has stored an epoch.
fn wait_for_an_epoch(program: &Program, child: &mut Child) {
    let begun = Instant::now();
    loop {
        let folder = program.store().join("relu_vs_tanh/ci");
        let stored = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| {
                std::fs::metadata(entry.path().join("metrics.jsonl"))
                    .is_ok_and(|file| file.len() > 0)
            });
        if stored || child.try_wait().expect("a child").is_some() {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no epoch was stored in a minute"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn finished_trials_are_not_run_again() {
    let program = Program::new();
    program.succeed(&arguments());
    let before = program.results("relu_vs_tanh/ci");
    let output = program.succeed(&arguments());
    let log = program::stderr(&output);
    assert_eq!(log.matches("already finished").count(), 2, "{log}");
    assert!(!log.contains("epoch 1/"), "{log}");
    assert_eq!(before, program.results("relu_vs_tanh/ci"));
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let one = Program::new();
    one.succeed(&[arguments(), vec!["--set", "machine.threads=1"]].concat());
    let three = Program::new();
    let settings = vec![
        "--set",
        "machine.threads=3",
        "--set",
        "machine.loader_threads=2",
    ];
    three.succeed(&[arguments(), settings].concat());
    assert_eq!(
        one.results("relu_vs_tanh/ci"),
        three.results("relu_vs_tanh/ci")
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    let expected = uninterrupted();
    // `-2` is Ctrl-C: the program saves within the epoch. `-9` cannot be caught.
    for signal in ["-2", "-9"] {
        let program = Program::new();
        let mut child = program
            .command(&arguments())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        wait_for_an_epoch(&program, &mut child);
        let kill = std::process::Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(
            kill.expect("kill runs").success(),
            "the run ended before it could be cut off"
        );
        let status = child.wait().expect("the program ends");
        if signal == "-2" {
            assert_eq!(status.code(), Some(130));
        }
        assert!(
            program.results("relu_vs_tanh/ci") != expected,
            "it was not cut off"
        );
        program.succeed(&arguments());
        assert_eq!(
            program.results("relu_vs_tanh/ci"),
            expected,
            "after kill {signal}"
        );
    }
}

#[cfg(unix)]
#[test]
fn two_processes_never_train_one_trial() {
    let program = Program::new();
    // Long enough that the first trial is surely still in training.
    let arguments = [arguments(), vec!["--set", "training.epochs=1000"]].concat();
    let mut child = program
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    wait_for_an_epoch(&program, &mut child);
    let error = program.fail(&arguments);
    assert!(
        error.contains("another process is running this trial"),
        "{error}"
    );
    child.kill().expect("the program is still running");
    child.wait().expect("the program ends");
}
