//! `show` and `compare`: trials one by one and side by side.

use ablate_store::Status;
use serde_json::{Value, json};

use crate::fixture::{experiment, trial, write};
use crate::program::{Program, stdout};

/// Two trials that differ in rate, seed and training epochs.
fn program() -> Program {
    let program = Program::new();
    let lrn = experiment(program.store(), "lrn", "ci");
    write(&lrn, &trial("plain", 0, 0.1, 0.25, Status::Finished));
    let mut other = trial("plain", 1, 0.01, 0.5, Status::Diverged { epoch: 4 });
    other.config["training"]["batch_size"] = json!(128);
    other.config["model"]["width"] = json!(0.5);
    write(&lrn, &other);
    program
}

#[test]
fn show_has_what_differs_every_epoch_and_every_file() {
    let program = program();
    let shown = stdout(&program.succeed(&["show", "plain-seed1"]));
    for part in [
        "lrn/ci/plain-seed1-",
        "diverged in epoch 4",
        "3 of 3",
        "2026-11-25 02:12 UTC",
        "validation.top1_error",
        "0.8000",
        "metrics.jsonl",
        "trial.json",
    ] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key));
    let epochs: Vec<&str> = line("training.epochs")
        .expect("it differs")
        .split_whitespace()
        .collect();
    assert_eq!(epochs, ["training.epochs", "3", "90"], "with the default");
    let rate: Vec<&str> = line("optimiser.lr")
        .expect("it differs")
        .split_whitespace()
        .collect();
    assert_eq!(
        rate,
        ["optimiser.lr", "0.01", "0.1"],
        "with the other trial's"
    );
    assert_eq!(line("training.batch_size"), None, "it is the default");
    let all = stdout(&program.succeed(&["show", "plain-seed1", "--config"]));
    assert!(all.contains("training.batch_size  128"), "{all}");

    let value = stdout(&program.succeed(&["show", "lrn/ci/plain-seed0", "--json"]));
    let value: Value = serde_json::from_str(&value).expect("JSON");
    assert_eq!(value["status"], "finished");
    assert_eq!(value["history"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["config"]["optimiser"]["lr"], 0.1);
    assert!(value["files"][0]["bytes"].is_u64());
}

#[test]
fn a_name_that_is_none_or_several_is_refused() {
    let program = program();
    let error = program.fail(&["show", "plain"]);
    assert!(
        error.contains("2 trials") && error.contains("plain-seed1"),
        "{error}"
    );
    let error = program.fail(&["show", "seed1"]);
    assert!(
        error.contains("did you mean `lrn/ci/plain-seed1"),
        "{error}"
    );
    let error = program.fail(&["compare", "plain-seed0", "lrn/ci/plain-seed0"]);
    assert!(error.contains("twice"), "{error}");
    assert_eq!(
        program.output(&["compare", "plain-seed0"]).status.code(),
        Some(2)
    );
}

#[test]
fn compare_has_differences_and_metrics() {
    let program = program();
    let text = stdout(&program.succeed(&["compare", "plain-seed0", "plain-seed1"]));
    let cells = |key: &str| -> Vec<&str> {
        let line = text.lines().find(|line| line.starts_with(key));
        line.unwrap_or_else(|| panic!("no {key} in\n{text}"))
            .split_whitespace()
            .collect()
    };
    assert_eq!(cells("optimiser.lr"), ["optimiser.lr", "0.1", "0.01"]);
    assert_eq!(cells("model.width"), ["model.width", "0.5"]);
    assert_eq!(cells("status"), ["status", "finished", "diverged"]);
    assert_eq!(
        cells("validation.top1_error.min")[1..],
        ["0.1500", "0.4000"]
    );
    assert!(!text.contains("model.name"), "{text}");
    let value = stdout(&program.succeed(&["compare", "plain-seed0", "plain-seed1", "--json"]));
    let value: Value = serde_json::from_str(&value).expect("JSON");
    assert_eq!(value["config"]["optimiser.lr"], json!([0.1, 0.01]));
    assert_eq!(value["config"]["model.width"], json!([null, 0.5]));
    assert_eq!(
        value["metrics"]["validation.top1_error"],
        json!([0.25, 0.5])
    );
}
