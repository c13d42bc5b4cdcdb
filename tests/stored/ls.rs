//! `ls`: what is listed, and that runs keep its index.

use std::fs;
use std::process::Stdio;

use ablate_store::Status;
use bytes::Bytes;
use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::fixture::{experiment, trial, write};
use crate::program::{Program, stderr, stdout};

/// Trials of two experiments.
fn program() -> Program {
    let program = Program::new();
    let lrn = experiment(program.store(), "lrn", "ci");
    for (seed, lr) in [(0, 0.1), (1, 0.01), (2, 0.001)] {
        let error = 0.25 + 0.125 * seed as f64;
        write(&lrn, &trial("plain", seed, lr, error, Status::Finished));
    }
    let pooling = experiment(program.store(), "pooling", "quick");
    let failed = Status::Failed {
        message: "no data, \"none\"".to_string(),
    };
    write(&pooling, &trial("fancy", 0, 0.5, 0.9, failed));
    program
}

fn listed(program: &Program, arguments: &[&str]) -> String {
    stdout(&program.succeed(&[&["ls"], arguments].concat()))
}

#[test]
fn the_table_has_a_line_a_trial_and_the_keys_asked_for() {
    let program = program();
    let table = listed(&program, &[]);
    assert_eq!(table.lines().count(), 7, "{table}");
    let line = table
        .lines()
        .find(|line| line.contains("plain-seed1"))
        .expect("a line");
    for part in [
        "lrn/ci/plain-seed1-",
        "finished",
        "3/3",
        "27.5%",
        "37.5%",
        "2026-11-25 02:12",
        " B",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    assert!(table.contains("4 trials, "), "{table}");

    let chosen = listed(
        &program,
        &[
            "--where",
            "optimiser.lr>=0.01",
            "--where",
            "status!=failed",
            "--sort",
            "validation.top1_error",
            "--reverse",
            "--columns",
            "model.filters",
        ],
    );
    let lines: Vec<&str> = chosen.lines().collect();
    for key in ["optimiser.lr", "validation.top1_error", "model.filters"] {
        assert!(lines[0].contains(key), "{chosen}");
    }
    assert!(
        lines[1].contains("seed1") && lines[1].contains(" 0.375 ") && lines[1].ends_with("[8,8]"),
        "{chosen}"
    );
    assert!(lines[2].contains("seed0"), "{chosen}");
    assert_eq!(
        listed(&program, &["--experiment", "pooling", "--profile", "quick"])
            .matches("failed")
            .count(),
        1
    );
    assert_eq!(
        listed(&program, &["--status", "failed,diverged", "--limit", "5"])
            .matches("fancy")
            .count(),
        1
    );
    assert_eq!(listed(&program, &["--status", "running"]), "no trials\n");

    let error = program.fail(&["ls", "--where", "optimizer.lr>1"]);
    assert!(error.contains("did you mean `optimiser.lr`?"), "{error}");
    assert_eq!(
        program.output(&["ls", "--where", "lr"]).status.code(),
        Some(2)
    );
}

#[test]
fn other_programs_can_read_it() {
    let program = program();
    let lines = listed(&program, &["--json", "--sort", "optimiser.lr"]);
    let trials: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!(trials.len(), 4);
    assert_eq!(trials[0]["config"]["optimiser.lr"], 0.001);
    assert_eq!(
        trials[0]["config"]["model.filters"],
        serde_json::json!([8, 8])
    );
    assert_eq!(trials[0]["metrics"]["validation.top1_error"], 0.5);
    assert_eq!(trials[0]["started"], "2026-11-25 02:12");
    assert_eq!(trials[3]["detail"], "no data, \"none\"");

    let csv = listed(&program, &["--csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("trial,experiment,profile,"), "{csv}");
    assert!(
        lines[0].contains(",optimiser.lr,") && lines[0].contains(",validation.top1_error.min,")
    );
    assert!(lines[4].contains(",\"no data, \"\"none\"\"\","), "{csv}");
}

/// The same trials read back from Parquet, column by column, are those of `--json`.
#[test]
fn a_parquet_file_has_the_same_values_with_types() {
    let program = program();
    let lines = listed(&program, &["--json"]);
    let expected: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let bytes = program.succeed(&["ls", "--parquet"]).stdout;
    let file = SerializedFileReader::new(Bytes::from(bytes)).expect("a Parquet file");
    let rows: Vec<Value> = file
        .get_row_iter(None)
        .expect("rows")
        .map(|row| row.expect("a row").to_json_value())
        .collect();
    assert_eq!(rows.len(), 4);
    for (row, expected) in rows.iter().zip(&expected) {
        for (name, value) in expected.as_object().expect("a table") {
            match value {
                Value::Object(inner) => {
                    for (key, value) in inner {
                        // What is neither a number nor text in all trials is JSON.
                        let text = Value::String(value.to_string());
                        let is_list = value.is_array();
                        assert_eq!(&row[key], if is_list { &text } else { value }, "{key}");
                    }
                }
                value => assert_eq!(&row[name], value, "{name}"),
            }
        }
    }
    // A trial that failed before its first epoch lacks what others measured.
    let schema = file.metadata().file_metadata().schema_descr();
    let physical = |name: &str| {
        let columns = schema.columns().iter();
        let found = columns.filter(|column| column.name() == name);
        found
            .map(|column| column.physical_type())
            .collect::<Vec<_>>()
    };
    assert_eq!(physical("seed"), [Type::INT64]);
    assert_eq!(physical("search"), [Type::BOOLEAN]);
    assert_eq!(physical("optimiser.lr"), [Type::DOUBLE]);
    assert_eq!(physical("validation.top1_error.min"), [Type::DOUBLE]);
    assert_eq!(physical("variant"), [Type::BYTE_ARRAY]);

    let empty = Program::new();
    let bytes = empty.succeed(&["ls", "--parquet"]).stdout;
    let file = SerializedFileReader::new(Bytes::from(bytes)).expect("a Parquet file");
    assert_eq!(file.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn changes_behind_its_back_and_damage_are_noticed() {
    let program = program();
    assert!(listed(&program, &[]).contains("4 trials"));
    let lrn = experiment(program.store(), "lrn", "ci");
    write(&lrn, &trial("plain", 9, 0.1, 0.5, Status::Finished));
    fs::remove_dir_all(program.store().join("pooling")).expect("removed");
    let table = listed(&program, &[]);
    assert!(
        table.contains("seed9") && !table.contains("pooling"),
        "{table}"
    );

    fs::write(program.store().join("index.sqlite"), [b'x'; 5000]).expect("written");
    let output = program.succeed(&["ls"]);
    assert!(stdout(&output).contains("4 trials"));
    assert!(stderr(&output).contains("damaged"), "{}", stderr(&output));
    assert_eq!(stderr(&program.succeed(&["ls"])), "");
}

#[test]
fn a_fresh_store_has_none() {
    let program = Program::new();
    assert_eq!(
        listed(&program, &["--where", "optimiser.lr>1"]),
        "no trials\n"
    );
}

const RUN: [&str; 7] = [
    "run",
    "experiments/lrn.toml",
    "--profile",
    "ci",
    "--seeds",
    "1",
    "--set",
];

#[test]
fn runs_side_by_side_keep_one_index() {
    let program = Program::new();
    let rates = ["0.001", "0.003", "0.01"];
    let runs = rates.map(|rate| {
        let set = format!("optimiser.lr={rate}");
        let mut command = program.command(&[&RUN[..], &[&set]].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("started")
    });
    for run in runs {
        let output = run.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!stderr(&output).contains("warning"), "{}", stderr(&output));
    }
    // What they wrote themselves, before any `ls` looked.
    let mut index = ablate_index::Index::to_record(program.store()).expect("an index");
    let rows = index.list(&ablate_index::Query::default()).expect("a list");
    assert_eq!(rows.len(), 6);
    assert!(
        rows.iter()
            .all(|row| &*row.status == "finished" && row.last.is_some())
    );
    let table = listed(&program, &["--where", "optimiser.lr=0.003"]);
    assert!(table.contains("2 trials"), "{table}");
}

#[test]
fn a_run_whose_index_cannot_be_written_ends_as_any_other() {
    let program = Program::new();
    fs::create_dir_all(program.store().join("index.sqlite")).expect("a folder in its place");
    let output = program.succeed(&[&RUN[..], &["optimiser.lr=0.003"]].concat());
    let error = stderr(&output);
    assert_eq!(
        error.matches("index is not kept up to date").count(),
        1,
        "{error}"
    );
    assert_eq!(program.trials("lrn/ci").len(), 2);
    let output = program.succeed(&["ls"]);
    assert!(stdout(&output).contains("2 trials"));
    assert!(
        stderr(&output).contains("cannot be used"),
        "{}",
        stderr(&output)
    );
}
