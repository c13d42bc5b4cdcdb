//! The cluster that `tests/slurm/run.sh` started, asked by Slurm's own commands, and
//! the trials that most tests send there.

use std::process::Command;
use std::sync::OnceLock;

use crate::program::{Program, Results, stdout, wait};

/// Where the trials lie.
pub const EXPERIMENT: &str = "relu_vs_tanh/ci";

/// Epochs of a trial.
pub const EPOCHS: usize = 70;

/// Four trials that each train for ten seconds or so on one core.
fn local() -> Vec<&'static str> {
    let settings = [
        "optimiser.lr=0.01",
        "training.batch_size=16",
        "training.epochs=70",
        "machine.threads=1",
    ];
    let mut arguments = vec!["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"];
    arguments.extend(["--seeds", "2"]);
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    arguments
}

/// What sends a run's trials to the cluster, with these keys of the launcher.
pub fn launcher(keys: &[&'static str]) -> Vec<&'static str> {
    let mut arguments = vec!["--launcher", "slurm", "--launcher-set", "poll_seconds=0.5"];
    arguments.extend(keys.iter().flat_map(|key| ["--launcher-set", key]));
    arguments
}

/// The four trials as an array of the partition `main`, or as these keys say.
pub fn on_slurm(keys: &[&'static str]) -> Vec<&'static str> {
    [local(), launcher(keys)].concat()
}

/// What the four trials give in this process.
pub fn expected() -> &'static Results {
    static EXPECTED: OnceLock<Results> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let program = Program::new();
        program.succeed(&local());
        program.results(EXPERIMENT)
    })
}

/// What a command of Slurm's prints.
pub fn slurm(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).output();
    stdout(&output.expect("Slurm's commands"))
}

/// What `squeue` says of every task that is not over, a line each.
pub fn queue(format: &str) -> Vec<String> {
    let format = format!("--format={format}");
    let text = slurm("squeue", &["--noheader", "--array", &format]);
    text.lines().map(|line| line.trim().to_string()).collect()
}

/// The job in the queue that is not over.
pub fn job() -> Option<String> {
    queue("%F").into_iter().next()
}

/// The task at work on a node.
pub fn task_on(node: &str) -> Option<usize> {
    let is_there = |line: &String| line.ends_with(&format!(" RUNNING {node}"));
    let line = queue("%K %T %N").into_iter().find(is_there)?;
    line.split(' ').next()?.parse().ok()
}

/// The folder of the cluster.
pub fn folder() -> String {
    std::env::var("ABLATE_SLURM_FOLDER").expect("run.sh sets it")
}

/// Has `tests/slurm/cluster.sh` do something, to a node where one is named.
pub fn control(command: &str, node: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/slurm/cluster.sh");
    let script = Command::new(script)
        .args([command, &folder()])
        .args(node)
        .status();
    assert!(script.expect("the script").success(), "{command} {node:?}");
}

/// Waits until a node is, or is not, what its state says.
pub fn wait_for_node(name: &str, state: &str) {
    wait(&format!("{name} {state}"), || {
        let node = format!("--nodes={name}");
        slurm("sinfo", &["--noheader", "--format=%T", &node]).contains(state)
    });
}

/// The jobs that were ever submitted for an experiment.
pub fn submitted(program: &Program, experiment: &str) -> usize {
    desk(program, experiment, "sh").len()
}

/// What the tasks of an experiment have printed.
pub fn printed(program: &Program, experiment: &str) -> String {
    desk(program, experiment, "log").concat()
}

/// The texts of the files beside the trials whose names have such an end.
fn desk(program: &Program, experiment: &str, end: &str) -> Vec<String> {
    let desk = program.store().join(experiment).join("launch");
    let entries = std::fs::read_dir(desk).expect("a folder").flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == end))
        .map(|path| std::fs::read_to_string(path).expect("text"))
        .collect()
}

/// The trials' own logs by their names.
pub fn logs(program: &Program, experiment: &str) -> Vec<(String, String)> {
    let log = |trial: std::path::PathBuf| {
        let name = trial.file_name().expect("a name").to_string_lossy();
        let text = std::fs::read_to_string(trial.join("log.txt"));
        (name.into_owned(), text.expect("a log"))
    };
    let trials = program.trials(experiment);
    trials.into_iter().map(log).collect()
}

/// No epoch of any trial was trained twice, by the trials' own logs.
pub fn assert_nothing_ran_twice(program: &Program, experiment: &str, epochs: usize) {
    for (_, log) in logs(program, experiment) {
        for epoch in 1..=epochs {
            let line = format!("epoch {epoch} of {epochs}:");
            assert_eq!(log.matches(&line).count(), 1, "{line} in\n{log}");
        }
    }
}
