//! `tensorboard` starts the program on the right folder, or says what is missing.
//! What it reads is checked by check_events.py, which needs the real one.

mod program;

use program::{Program, stdout};

fn ran() -> Program {
    let program = Program::new();
    program.succeed(&["run", "tests/outside/experiment.toml", "--seeds", "1"]);
    program
}

#[test]
#[cfg(unix)]
fn it_starts_on_the_experiments_folder_and_hands_on_arguments() {
    let program = ran();
    let echo = [
        "tensorboard",
        "outside",
        "--profile",
        "quick",
        "--program",
        "echo",
    ];
    let output =
        program.succeed(&[&echo[..], &["--store", program.path(), "--", "--port", "7"]].concat());
    let folder = program.store().join("outside/quick");
    let expected = format!("--logdir {} --port 7", folder.display());
    assert!(
        stdout(&output).lines().any(|line| line == expected),
        "{}",
        stdout(&output)
    );
    let by_file = [
        "tensorboard",
        "tests/outside/experiment.toml",
        "--program",
        "echo",
    ];
    let output = program.succeed(&[&by_file[..], &["--store", program.path()]].concat());
    let expected = format!("--logdir {}", program.store().join("outside").display());
    assert!(
        stdout(&output).lines().any(|line| line == expected),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_is_missing_is_named_with_the_fix() {
    let program = Program::new();
    let error = program.fail(&["tensorboard", "--store", program.path()]);
    assert!(
        error.contains("no trial has run") && error.contains("--store"),
        "{error}"
    );
    let program = ran();
    let error = program.fail(&[
        "tensorboard",
        "--store",
        program.path(),
        "--program",
        "no-such-program",
    ]);
    assert!(error.contains("pip install tensorboard"), "{error}");
}
