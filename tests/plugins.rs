//! An outside crate's plugins are listed, described, validated and run without
//! a change to any crate of ours.

mod program;

use program::{Program, stdout};

#[test]
fn outside_plugins_are_listed_and_described() {
    let program = Program::new();
    let list = stdout(&program.succeed(&["list"]));
    for name in [
        "regression",
        "stripes",
        "negative",
        "sign_descent",
        "cosine",
        "brier",
        "processes",
    ] {
        assert!(list.contains(name), "{name} is missing from:\n{list}");
    }
    let description = stdout(&program.succeed(&["describe", "stripes"]));
    assert!(description.contains("images = 64"), "{description}");
    assert!(
        description.contains("a quarter as many serve for validation"),
        "{description}"
    );
}

#[test]
fn an_experiment_of_outside_plugins_runs_to_its_report() {
    let program = Program::new();
    program.succeed(&["run", "tests/outside/experiment.toml"]);
    let folder = program.store().join("outside/quick");
    let report = std::fs::read_to_string(folder.join("report/report.md")).expect("a report");
    assert!(
        report.contains("Stripes, drawn by a test plugin"),
        "{report}"
    );
    let trials = program.trials("outside/quick");
    assert_eq!(trials.len(), 6);
    let metrics = program.metrics(&trials[0]);
    assert_eq!(metrics.len(), 4);
    let last = &metrics[3];
    assert!(
        last["validation"]["brier"].as_f64().expect("a number") < 0.5,
        "{last}"
    );
    // Half a cosine, read just before the last of 32 steps.
    let rate = last["learning_rate"].as_f64().expect("a number");
    let expected = 0.01 * (0.5 + 0.5 * (std::f64::consts::PI * 31.0 / 32.0).cos());
    assert!((rate - expected).abs() < 1e-12, "{rate} is not {expected}");
}

#[test]
fn an_outside_plugins_complaint_names_key_and_fix() {
    let program = Program::new();
    let error = program.fail(&[
        "run",
        "tests/outside/experiment.toml",
        "--set",
        "data.images=1",
    ]);
    assert!(
        error.contains("`data.images`") && error.contains("give 4 or more"),
        "{error}"
    );
}
