//! What must hold of a store at every moment, whoever was killed while writing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::program::{Program, stderr, stdout};
use crate::work::Work;

/// Holds the files to it, and the commands that read them; returns the trials that
/// have finished. `after` says what has happened, for messages.
pub fn check(program: &Program, work: Work, after: &str) -> BTreeSet<String> {
    let folder = program.store().join(work.folder());
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry.path().join("trial.json").exists() {
            trial(&entry.path(), after);
        }
    }
    page(&folder.join("report/report.html"), after);
    let listed = read(program, &["ls", "--json"], after);
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    for trial in &listed {
        let status = trial["status"].as_str().expect("a status");
        assert!(
            matches!(status, "finished" | "unfinished"),
            "{after}: {trial}"
        );
        let path = trial["trial"].as_str().expect("a path");
        read(program, &["show", path], after);
    }
    if !listed.is_empty() {
        read(program, &work.arguments("report"), after);
        page(&folder.join("report/report.html"), after);
    }
    let finished = listed.iter().filter(|trial| trial["status"] == "finished");
    finished.map(|trial| trial["trial"].to_string()).collect()
}

/// Runs a command that reads, which must have nothing to complain of.
pub fn read(program: &Program, arguments: &[&str], after: &str) -> String {
    let output = program.output(arguments);
    let said = stderr(&output);
    assert!(
        output.status.success() && said.is_empty(),
        "{after}: {arguments:?} said\n{said}"
    );
    stdout(&output)
}

/// A trial's files, one by one.
fn trial(folder: &Path, after: &str) {
    let name = folder.display();
    json(&folder.join("trial.json"), after);
    for optional in ["environment.json", "checkpoint.json"] {
        if folder.join(optional).exists() {
            json(&folder.join(optional), after);
        }
    }
    let metrics = fs::read_to_string(folder.join("metrics.jsonl")).unwrap_or_default();
    let mut lines: Vec<&str> = metrics.split('\n').collect();
    // Empty where the last line is whole; a line that was cut off is no epoch yet.
    lines.pop();
    for (index, line) in lines.iter().enumerate() {
        let record: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{after}: {name}: metrics.jsonl: {error}"));
        assert_eq!(
            record["epoch"],
            index + 1,
            "{after}: {name}: an epoch is missing or twice there:\n{metrics}"
        );
    }
    if folder.join("checkpoint.json").exists() {
        for entry in json(&folder.join("checkpoint.json"), after)
            .as_array()
            .expect("a list")
        {
            let file = folder.join(entry["file"].as_str().expect("a name"));
            let bytes = fs::read(&file)
                .unwrap_or_else(|error| panic!("{after}: {}: {error}", file.display()));
            let digest: String = Sha256::digest(bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(entry["sha256"], *digest, "{after}: {}", file.display());
        }
    }
}

fn json(path: &Path, after: &str) -> Value {
    let text =
        fs::read(path).unwrap_or_else(|error| panic!("{after}: {}: {error}", path.display()));
    serde_json::from_slice(&text)
        .unwrap_or_else(|error| panic!("{after}: {}: {error}", path.display()))
}

/// A report's page, where there is one yet.
fn page(path: &Path, after: &str) {
    if let Ok(page) = fs::read_to_string(path) {
        let is_whole = page.trim_end().ends_with("</html>");
        assert!(is_whole, "{after}: {} is cut off", path.display());
    }
}
