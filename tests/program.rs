//! Runs the real program in a store of its own. Shared by the tests here.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What is left of trials, as [`Program::results`] has it: name, metrics, bytes.
pub type Results = Vec<(String, Vec<Value>, Vec<u8>)>;

/// The program with a temporary run store.
pub struct Program {
    store: TempDir,
}

impl Program {
    pub fn new() -> Self {
        Self {
            store: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// The store's folder as an argument.
    pub fn path(&self) -> &str {
        self.store.path().to_str().expect("a path in UTF-8")
    }

    /// The command, in the workspace's folder and cut off from the environment's
    /// own settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outside"));
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        command
            .current_dir(here.parent().expect("the workspace"))
            .args(arguments);
        let of_store = [
            "run",
            "report",
            "reproduce",
            "ls",
            "show",
            "compare",
            "rm",
            "gc",
        ];
        if arguments
            .first()
            .is_some_and(|name| of_store.contains(name))
        {
            command.arg("--store").arg(self.store.path());
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ABLATE__") {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("the program starts")
    }

    /// Begins the command, to be [`finish`]ed.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    pub fn succeed(&self, arguments: &[&str]) -> Output {
        let output = self.output(arguments);
        assert!(
            output.status.success(),
            "{arguments:?} failed:\n{}",
            stderr(&output)
        );
        output
    }

    /// Runs a command that must fail without a panic; returns what it said.
    pub fn fail(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let error = stderr(&output);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?} should fail with 1:\n{error}"
        );
        assert!(!error.contains("panicked"), "{error}");
        error
    }

    /// The folders of all trials of `EXPERIMENT/PROFILE`, sorted.
    pub fn trials(&self, experiment: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.store().join(experiment)).expect("the experiment ran");
        let mut trials: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.join("trial.json").exists())
            .collect();
        trials.sort();
        trials
    }

    /// Waits until some trial of `EXPERIMENT/PROFILE` has so many epochs.
    pub fn wait_for_epochs(&self, experiment: &str, count: usize) {
        let folder = self.store().join(experiment);
        let lines = |trial: PathBuf| {
            let text = std::fs::read_to_string(trial.join("metrics.jsonl"));
            text.map_or(0, |text| text.lines().count())
        };
        wait(&format!("epoch {count}"), || {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            entries.map(|entry| lines(entry.path())).max().unwrap_or(0) >= count
        });
    }

    /// The metrics of a trial, a value a line.
    pub fn metrics(&self, trial: &Path) -> Vec<Value> {
        // Absent where a trial was cut off before its first epoch.
        let text = std::fs::read_to_string(trial.join("metrics.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// Everything that must not depend on how a run was interrupted or on the
    /// machine's speed and workers: metrics without throughput and bytes
    /// exchanged, the final tensors, and what the final model says.
    pub fn results(&self, experiment: &str) -> Results {
        let result = |trial: &PathBuf| {
            let mut metrics = self.metrics(trial);
            for record in &mut metrics {
                let record = record.as_object_mut().expect("a table");
                record.remove("images_per_second");
                record.remove("exchanged");
            }
            let name = trial
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            // Absent where a trial has not finished.
            let outputs = std::fs::read(trial.join("outputs.safetensors")).unwrap_or_default();
            // Absent where it was cut off before its first.
            let newest = newest_checkpoint(trial);
            let tensors = newest.map(|file| std::fs::read(file).expect("a checkpoint"));
            (
                name,
                metrics,
                [tensors.unwrap_or_default(), outputs].concat(),
            )
        };
        self.trials(experiment).iter().map(result).collect()
    }
}

/// The newest checkpoint's file; `None` where there is no list of them.
pub fn newest_checkpoint(trial: &Path) -> Option<PathBuf> {
    let index = std::fs::read_to_string(trial.join("checkpoint.json")).ok()?;
    let index: Value = serde_json::from_str(&index).expect("JSON");
    Some(trial.join(index[0]["file"].as_str().expect("a file name")))
}

/// Waits until something is so, a few minutes at most.
pub fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        let patience = Duration::from_secs(180);
        assert!(begun.elapsed() < patience, "{what} did not come to be");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Has a command stop as by Ctrl-C.
pub fn interrupt(child: &Child) {
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
}

/// Waits for the end of a command: its exit code, and all that it said.
pub fn finish(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), stderr(&output) + &stdout(&output))
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
