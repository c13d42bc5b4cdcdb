//! A search over a config key: chosen before the trials, kept, told.

mod program;

use program::Program;

const ARGUMENTS: [&str; 8] = [
    "run",
    "experiments/relu_vs_tanh.toml",
    "--profile",
    "ci",
    "--seeds",
    "1",
    "--set",
    "model.filters=[4, 4, 4]",
];

fn settings(program: &Program, experiment: &str) -> Vec<(String, toml::Table)> {
    let config = |trial: &std::path::PathBuf| {
        let text = std::fs::read_to_string(trial.join("config.toml")).expect("a config");
        let name = trial.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), text.parse().expect("TOML"))
    };
    program.trials(experiment).iter().map(config).collect()
}

fn report(program: &Program, experiment: &str) -> serde_json::Value {
    let file = program.store().join(experiment).join("report/report.json");
    serde_json::from_slice(&std::fs::read(file).expect("a report")).expect("JSON")
}

#[test]
fn every_value_is_tried_and_the_best_is_used_and_told() {
    let program = Program::new();
    program.succeed(&ARGUMENTS);
    let tried = settings(&program, "relu_vs_tanh/ci/search");
    assert_eq!(tried.len(), 4, "two variants with two values");
    for (name, config) in &tried {
        assert!(name.contains("-seed1000-"), "{name} has a trial's seed");
        assert_eq!(config["training"]["epochs"].as_integer(), Some(1));
    }
    let search = &report(&program, "relu_vs_tanh/ci")["search"];
    assert_eq!(search["key"], "optimiser.lr");
    let trials = settings(&program, "relu_vs_tanh/ci");
    for found in search["variants"].as_array().expect("variants") {
        let least = found["candidates"]
            .as_array()
            .expect("candidates")
            .iter()
            .min_by(|a, b| {
                let mean = |c: &serde_json::Value| c["score"]["mean"].as_f64().expect("a mean");
                mean(a).total_cmp(&mean(b))
            });
        assert_eq!(found["chosen"], least.expect("a candidate")["value"]);
        let variant = found["variant"].as_str().expect("a name");
        let own = trials.iter().find(|(name, _)| name.starts_with(variant));
        let lr = own.expect("its trial").1["optimiser"]["lr"].as_float();
        assert_eq!(
            lr,
            found["chosen"].as_f64(),
            "{variant} trains with another"
        );
    }
    let text = std::fs::read_to_string(program.store().join("relu_vs_tanh/ci/report/report.md"));
    let text = text.expect("a report");
    assert!(
        text.contains("## Search") && text.contains("(chosen)"),
        "{text}"
    );
    assert!(
        text.contains("of the grid"),
        "a grid of two has only edges:\n{text}"
    );
}

#[test]
fn a_search_that_is_done_is_kept_and_reported() {
    let program = Program::new();
    program.succeed(&ARGUMENTS);
    let (search, trials) = ("relu_vs_tanh/ci/search", "relu_vs_tanh/ci");
    let before = (program.results(search), program.results(trials));
    let log = program::stderr(&program.succeed(&ARGUMENTS));
    assert_eq!(log.matches("already finished").count(), 6, "{log}");
    let report = [&["report"], &ARGUMENTS[1..]].concat();
    let printed = program::stdout(&program.succeed(&report));
    assert!(printed.contains("(chosen)"), "{printed}");
    assert_eq!(before, (program.results(search), program.results(trials)));
}

#[test]
fn a_value_given_by_the_user_is_not_searched() {
    let program = Program::new();
    program.succeed(&[&ARGUMENTS[..], &["--set", "optimiser.lr=0.004"]].concat());
    assert!(!program.store().join("relu_vs_tanh/ci/search").exists());
    for (name, config) in settings(&program, "relu_vs_tanh/ci") {
        let lr = config["optimiser"]["lr"].as_float();
        assert_eq!(lr, Some(0.004), "{name}");
    }
}

/// The outside crate's experiment with a search, in the program's store.
fn outside(program: &Program, search: &str) -> String {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(here.join("outside/experiment.toml")).expect("a file");
    let file = program.store().join("searching.toml");
    std::fs::write(&file, format!("{text}\n{search}")).expect("a file");
    file.to_str().expect("UTF-8").to_string()
}

#[test]
fn a_value_that_diverges_loses() {
    let program = Program::new();
    let search = "[search]\nkey = \"optimiser.lr\"\nvalues = [1e38, 0.01]\nepochs = 1\n";
    program.succeed(&["run", &outside(&program, search)]);
    let found = &report(&program, "outside/quick")["search"]["variants"][0];
    assert_eq!(found["candidates"][0]["score"], "diverged");
    assert_eq!(found["chosen"], 0.01);
    let hopeless = search.replace("0.01", "2e38");
    let error = program.fail(&["run", &outside(&program, &hopeless)]);
    assert!(
        error.contains("no value of `optimiser.lr` trains without"),
        "{error}"
    );
}

#[test]
fn mistakes_in_the_table_are_refused() {
    let program = Program::new();
    let search = "[search]\nkey = \"optimiser.lr\"\nvalues = [0.01, 0.1]\nepochs = 1\n";
    for (from, to, parts) in [
        (
            "epochs = 1",
            "epoch = 1",
            ["`search.epoch`", "did you mean `epochs`?"],
        ),
        (
            "optimiser.lr",
            "optimiser.lrr",
            ["`optimiser.lrr`", "did you mean `lr`?"],
        ),
        (
            "optimiser.lr",
            "optimizer.lr",
            ["`optimizer`", "did you mean `optimiser`?"],
        ),
        (
            "optimiser.lr",
            "machine.checkpoint_minutes",
            ["make the same trial", "search.values"],
        ),
        (
            "[0.01, 0.1]",
            "[0.01, \"half\"]",
            ["`optimiser.lr`", "[search]"],
        ),
        ("[0.01, 0.1]", "[0.01]", ["`search.values`", "two or more"]),
        ("epochs = 1", "epochs = 0", ["`search.epochs`", "1 or more"]),
        (
            "epochs = 1",
            "epochs = 1\nvariants = [\"wiht\"]",
            ["`wiht`", "did you mean `with`?"],
        ),
    ] {
        let error = program.fail(&["run", &outside(&program, &search.replace(from, to))]);
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
}
