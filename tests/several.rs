//! Several experiments, several values, several trials at once.

mod program;

use program::Program;

#[test]
fn jobs_change_no_result() {
    let run = |jobs: &'static str| {
        let program = Program::new();
        let set = "machine.threads=4";
        let arguments = [
            "run",
            "experiments/lrn.toml",
            "--profile",
            "ci",
            "--set",
            set,
        ];
        program.succeed(&[&arguments[..], &["--jobs", jobs]].concat());
        program.results("lrn/ci")
    };
    let one = run("1");
    assert_eq!(one.len(), 4);
    assert_eq!(one, run("3"));
}

#[test]
fn a_sweep_has_a_report_for_each_value_and_a_line_for_each_report() {
    let program = Program::new();
    let output = program.succeed(&[
        "run",
        "experiments/lrn.toml",
        "experiments/pooling.toml",
        "--profile",
        "ci",
        "--seeds",
        "1",
        "--set",
        "optimiser.lr=0.003,0.01",
        "--set",
        "model.filters=[8,8,8]",
    ]);
    let printed = program::stdout(&output);
    for (name, effect) in [
        ("lrn", "with against without"),
        ("pooling", "overlapping against"),
    ] {
        let trials = program.trials(&format!("{name}/ci"));
        assert_eq!(trials.len(), 4, "two variants with two rates");
        for rate in ["0.003", "0.01"] {
            let folder = program.store().join(name).join("ci");
            let report = folder.join(format!("report optimiser.lr={rate}/report.md"));
            assert!(report.exists(), "{}", report.display());
            let title = format!("{name} optimiser.lr={rate}");
            let line = printed.lines().find(|line| {
                line.starts_with(&title) && line.contains(effect) && line.contains("inconclusive")
            });
            assert!(line.is_some(), "no line for {title} in:\n{printed}");
        }
    }
}

#[test]
fn a_mistake_in_the_last_experiment_shows_before_the_first_is_trained() {
    let program = Program::new();
    let error = program.fail(&[
        "run",
        "experiments/lrn.toml",
        "experiments/absent.toml",
        "--profile",
        "ci",
    ]);
    assert!(error.contains("experiments/absent.toml"), "{error}");
    assert!(!program.store().join("lrn").exists());
}

#[test]
fn a_dry_run_says_how_long_and_trains_nothing() {
    let program = Program::new();
    let arguments = [
        "run",
        "experiments/relu_vs_tanh.toml",
        "--profile",
        "ci",
        "--dry-run",
    ];
    let printed = program::stdout(&program.succeed(&arguments));
    // The search, then the trials.
    assert_eq!(printed.matches(" on this machine").count(), 2, "{printed}");
    for part in [
        "4 trials: 2 variants x 2 values",
        "4 trials: 2 variants x 2 seeds",
        "relu: ",
    ] {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
    let lines = program::stdout(&program.succeed(&[&arguments[..], &["--json"]].concat()));
    let plans: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(plans.len(), 2, "{lines}");
    assert_eq!(plans[1]["for"], "claim");
    assert_eq!(plans[1]["trials"].as_array().map(Vec::len), Some(4));
    assert!(
        plans[1]["estimated_seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
    assert!(!program.store().join("relu_vs_tanh").exists());
}

#[test]
fn every_trial_has_a_log_of_its_own() {
    let program = Program::new();
    let run = ["run", "tests/outside/experiment.toml", "--jobs", "3"];
    let output = program.command(&run).env("RUST_LOG", "debug").output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", program::stderr(&output));
    let trials = program.trials("outside/quick");
    assert_eq!(trials.len(), 6);
    for trial in &trials {
        let log = std::fs::read_to_string(trial.join("log.txt")).expect("a log");
        let name = trial.file_name().expect("a name").to_string_lossy();
        let (variant, seed) = name.split_once("-seed").expect("a trial's name");
        let (seed, _) = seed.split_once('-').expect("a trial's name");
        let begins: Vec<&str> = log.lines().filter(|l| l.contains("parameters;")).collect();
        assert_eq!(begins.len(), 1, "{log}");
        assert!(
            begins[0].contains(&format!(" INFO {variant}, seed {seed}: ")),
            "{log}"
        );
        for epoch in 1..=4 {
            let line = format!("epoch {epoch} of 4: learning rate");
            assert_eq!(log.matches(&line).count(), 1, "{log}");
        }
        assert!(
            log.contains(" DEBUG checkpoint of step 32 written"),
            "{log}"
        );
        assert!(log.ends_with(" INFO finished\n"), "{log}");
    }
    // Asked for, the lines are on standard error too; the usual level is info.
    assert!(program::stderr(&output).contains("DEBUG checkpoint of step"));
    let usual = Program::new();
    let error = program::stderr(&usual.succeed(&run));
    assert!(!error.contains("INFO"), "{error}");
    let log = usual.trials("outside/quick")[0].join("log.txt");
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(
        log.contains("INFO finished") && !log.contains("DEBUG"),
        "{log}"
    );
    let wrong = usual.command(&run).env("RUST_LOG", "loud=&").output();
    let wrong = wrong.expect("the program starts");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(program::stderr(&wrong).contains("RUST_LOG cannot be understood"));
}
