//! A search over a config key: chosen before the trials, kept, told.

mod program;

use program::Program;
use serde_json::Value;

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

fn report(program: &Program, experiment: &str) -> Value {
    let file = program.store().join(experiment).join("report/report.json");
    serde_json::from_slice(&std::fs::read(file).expect("a report")).expect("JSON")
}

/// The values a variant's search chose.
fn choice(found: &Value) -> &Vec<Value> {
    let chosen = found["chosen"].as_u64().expect("an index") as usize;
    found["candidates"][chosen]["values"]
        .as_array()
        .expect("values")
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
    assert_eq!(search["keys"][0], "optimiser.lr");
    let trials = settings(&program, "relu_vs_tanh/ci");
    for found in search["variants"].as_array().expect("variants") {
        let candidates = found["candidates"].as_array().expect("candidates");
        let mean = |c: &Value| c["score"]["mean"].as_f64().expect("a mean");
        let least = candidates.iter().min_by(|a, b| mean(a).total_cmp(&mean(b)));
        let chosen = &choice(found)[0];
        assert_eq!(*chosen, least.expect("a candidate")["values"][0]);
        let variant = found["variant"].as_str().expect("a name");
        let own = trials.iter().find(|(name, _)| name.starts_with(variant));
        let lr = own.expect("its trial").1["optimiser"]["lr"].as_float();
        assert_eq!(lr, chosen.as_f64(), "{variant} trains with another");
    }
    let text = std::fs::read_to_string(program.store().join("relu_vs_tanh/ci/report/report.md"));
    let text = text.expect("a report");
    assert!(
        text.contains("## Search") && text.contains("(chosen)"),
        "{text}"
    );
    assert!(
        text.contains("that was tried; a better one may lie beyond"),
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
    let search = "[search]\nkeys = { \"optimiser.lr\" = [1e38, 0.01] }\nepochs = 1\n";
    program.succeed(&["run", &outside(&program, search)]);
    let found = &report(&program, "outside/quick")["search"]["variants"][0];
    assert_eq!(found["candidates"][0]["score"], "diverged");
    assert_eq!(choice(found)[0], 0.01);
    let hopeless = search.replace("0.01", "2e38");
    let error = program.fail(&["run", &outside(&program, &hopeless)]);
    assert!(
        error.contains("no value of `optimiser.lr` trains without"),
        "{error}"
    );
}

#[test]
fn a_candidate_that_fails_loses_and_is_told() {
    let program = Program::new();
    let search = "[search]\nkeys = { \"data.damaged\" = [7, 1000] }\nepochs = 1\n";
    program.succeed(&["run", &outside(&program, search), "--seeds", "1"]);
    let found = &report(&program, "outside/quick")["search"]["variants"][0];
    assert_eq!(found["candidates"][0]["score"], "failed");
    assert_eq!(choice(found)[0], 1000);
    let text = std::fs::read_to_string(program.store().join("outside/quick/report/report.md"));
    let text = text.expect("a report");
    assert!(text.contains("an error ended 1 candidate"), "{text}");
    let hopeless = search.replace("1000", "8");
    let error = program.fail(&["run", &outside(&program, &hopeless), "--seeds", "1"]);
    for part in ["no value of `data.damaged`", "image 7 cannot be read"] {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn a_plugin_is_searched_with_a_key_of_its_own() {
    let program = Program::new();
    let search = "[search]\nepochs = 1\n[search.keys]\n\
                  \"optimiser.lr\" = [0.01]\n\"optimiser.name\" = [\"sign_descent\", \"sgd\"]\n";
    program.succeed(&["run", &outside(&program, search), "--seeds", "1"]);
    let tried = settings(&program, "outside/quick/search");
    assert_eq!(tried.len(), 4);
    for (name, config) in &tried {
        let lr = config["optimiser"]["lr"].as_float();
        assert_eq!(lr, Some(0.01), "{name} has lost its rate");
    }
}

#[test]
fn a_search_is_changed_from_the_command_line() {
    let program = Program::new();
    let search = "[search]\nkeys = { \"optimiser.lr\" = { uniform = [0.1, 0.2] } }\nepochs = 9\n\
                  strategy = \"random\"\ntrials = 9\n";
    let file = outside(&program, search);
    let run = ["run", &file, "--seeds", "1", "--set", "search.epochs=1"];
    let keys = "search.keys.optimiser.lr={ log_uniform = [0.001, 0.01] }";
    let set = ["--set", keys, "--set", "search.trials=2,3"];
    program.succeed(&[&run[..], &set].concat());
    let tried = settings(&program, "outside/quick/search");
    assert_eq!(
        tried.len(),
        6,
        "two variants, and two draws are of the three"
    );
    for (name, config) in &tried {
        let lr = config["optimiser"]["lr"].as_float().expect("a rate");
        assert!((0.001..=0.01).contains(&lr), "{name}: {lr}");
        assert_eq!(config["training"]["epochs"].as_integer(), Some(1));
    }
    for trials in [2, 3] {
        let folder = format!("outside/quick/report search.trials={trials}");
        assert!(program.store().join(folder).join("report.md").exists());
    }
    for (setting, parts) in [
        (
            "search.epoch=1",
            ["--set search.epoch=1", "did you mean `epochs`?"],
        ),
        (
            "serach.epochs=2",
            ["--set serach.epochs=2", "did you mean `search`?"],
        ),
        ("search.epochs=0", ["--set search.epochs=0", "1 or more"]),
        (
            "search.trials=few",
            ["--set search.trials=few", "search.trials"],
        ),
        (
            "search.keys.optimiser.lrr=[1, 2]",
            ["`optimiser.lrr`", "did you mean `lr`?"],
        ),
    ] {
        let error = program.fail(&[&run[..], &["--set", setting]].concat());
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
    let off = Program::new();
    let file = outside(&off, search);
    off.succeed(&[
        "run",
        &file,
        "--seeds",
        "1",
        "--set",
        "search.enabled=false",
    ]);
    assert!(!off.store().join("outside/quick/search").exists());

    // The environment's word counts as much.
    let output = off
        .command(&["run", &file, "--seeds", "1"])
        .env("ABLATE__SEARCH__EPOCHS", "1")
        .env("ABLATE__SEARCH__TRIALS", "2")
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", program::stderr(&output));
    assert_eq!(settings(&off, "outside/quick/search").len(), 4);
}

#[test]
fn mistakes_in_the_table_are_refused() {
    let program = Program::new();
    let search = "[search]\nkeys = { \"optimiser.lr\" = [0.01, 0.1] }\nepochs = 1\n";
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
            ["make the same trial", "search.keys"],
        ),
        (
            "[0.01, 0.1]",
            "[0.01, \"half\"]",
            ["`optimiser.lr`", "[search.keys]"],
        ),
        ("[0.01, 0.1]", "[0.01]", ["`search.keys`", "two or more"]),
        ("epochs = 1", "epochs = 0", ["`search.epochs`", "1 or more"]),
        (
            "epochs = 1",
            "epochs = 1\ntrials = 4",
            ["`search.trials`", "strategy = \"random\""],
        ),
        (
            "epochs = 1",
            "epochs = 1\nstrategy = \"random\"",
            ["`search.trials`", "how many"],
        ),
        (
            "epochs = 1",
            "epochs = 1\nstrategy = \"halfing\"",
            ["`search.strategy`", "halving"],
        ),
        (
            "epochs = 1",
            "epochs = 1\nstrategy = \"halving\"\neta = 1",
            ["`search.eta`", "2 or more"],
        ),
        (
            "epochs = 1",
            "epochs = 1\nstrategy = \"halving\"\nby = { epochs_to_train_error = 0.5 }",
            ["`search.by`", "final_train"],
        ),
        (
            "epochs = 1",
            "epochs = 1\nby = \"retrieval_share\"",
            ["`search.by`", "the least wins"],
        ),
        (
            "[0.01, 0.1]",
            "{ uniform = [0.01, 0.1] }",
            ["`search.keys.optimiser.lr`", "trials = 20"],
        ),
        (
            "[0.01, 0.1]",
            "{ unifrom = [0.01, 0.1] }",
            ["`search.keys.optimiser.lr`", "uniform = [low, high]"],
        ),
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

/// Candidates drawn from three keys, halved twice: 9 for an epoch, 3 for three.
const HALVING: &str = "[search]\nstrategy = \"halving\"\ntrials = 9\nepochs = 9\n\
                       [search.keys]\n\"optimiser.lr\" = { log_uniform = [1e-5, 1e-1] }\n\
                       \"training.batch_size\" = [4, 8, 16]\n\
                       \"data.images\" = { integers = [32, 64] }\n";

#[test]
fn halving_trains_the_better_candidates_longer() {
    let program = Program::new();
    let file = outside(&program, HALVING);
    let run = ["run", &file, "--seeds", "1"];
    program.succeed(&run);
    let tried = settings(&program, "outside/quick/search");
    let count = |epochs: i64| {
        let of = |(_, config): &&(String, toml::Table)| {
            config["training"]["epochs"].as_integer() == Some(epochs)
        };
        tried.iter().filter(of).count()
    };
    // Two variants; the last round would have one candidate, which is the choice.
    assert_eq!((count(1), count(3), count(9)), (18, 6, 0));
    let search = &report(&program, "outside/quick")["search"];
    assert_eq!(search["strategy"], "halving");
    let keys = ["data.images", "optimiser.lr", "training.batch_size"];
    assert_eq!(search["keys"], serde_json::json!(keys));
    for found in search["variants"].as_array().expect("variants") {
        let candidates = found["candidates"].as_array().expect("candidates");
        let went_on = |c: &&Value| c["epochs"] == 3;
        let mean = |c: &Value| c["score"]["mean"].as_f64().unwrap_or(f64::INFINITY);
        assert_eq!(candidates.iter().filter(went_on).count(), 3);
        let chosen = &candidates[found["chosen"].as_u64().expect("an index") as usize];
        let best = candidates
            .iter()
            .filter(went_on)
            .map(mean)
            .fold(f64::INFINITY, f64::min);
        assert_eq!(mean(chosen), best);
        // The claim's trials use every value of the choice.
        let variant = found["variant"].as_str().expect("a name");
        let trials = settings(&program, "outside/quick");
        let own = trials
            .iter()
            .find(|(name, _)| name.starts_with(&format!("{variant}-")));
        let config = &own.expect("its trial").1;
        let values = choice(found);
        assert_eq!(config["data"]["images"].as_integer(), values[0].as_i64());
        assert_eq!(config["optimiser"]["lr"].as_float(), values[1].as_f64());
        assert_eq!(
            config["training"]["batch_size"].as_integer(),
            values[2].as_i64()
        );
    }
    // The same again trains nothing, and `report` finds all of it.
    let log = program::stderr(&program.succeed(&run));
    assert_eq!(log.matches("already finished").count(), 18 + 6 + 2, "{log}");
    let printed = program::stdout(&program.succeed(&["report", &file, "--seeds", "1"]));
    assert!(printed.contains("after 1 epoch"), "{printed}");
    // Whatever the order in which trials end, the same are trained and chosen.
    let beside = Program::new();
    let file = outside(&beside, HALVING);
    beside.succeed(&["run", &file, "--seeds", "1", "--jobs", "3"]);
    assert_eq!(
        program.results("outside/quick/search"),
        beside.results("outside/quick/search")
    );
    assert_eq!(*search, report(&beside, "outside/quick")["search"]);
}

#[test]
fn a_candidate_goes_on_only_where_that_gives_the_same_bits() {
    // The cosine falls with the budget, so that a longer trial has other rates.
    for (schedule, goes_on) in [("constant", true), ("cosine", false)] {
        let schedule = format!("schedule.name={schedule}");
        let run = |strategy: &str| {
            let program = Program::new();
            let file = outside(&program, HALVING);
            let strategy = format!("search.strategy={strategy}");
            // Measured after the first epoch, where that is the last one.
            let mut arguments = vec!["run", &file, "--seeds", "1", "--set", "evaluation.every=2"];
            for setting in ["search.epochs=3", &schedule, &strategy] {
                arguments.extend(["--set", setting]);
            }
            let log = program::stderr(&program.succeed(&arguments));
            (program.results("outside/quick/search"), log)
        };
        let (halved, log) = run("halving");
        let going_on = log.matches("going on after epoch 1, step 0").count();
        assert_eq!(going_on, if goes_on { 6 } else { 0 }, "{schedule}:\n{log}");
        // The same trials, from their start.
        let (afresh, log) = run("random");
        assert!(!log.contains("going on"), "{log}");
        let same = halved.iter().filter(|trial| afresh.contains(trial));
        assert_eq!(same.count(), 6, "{schedule}");
    }
}

#[test]
fn a_search_that_was_cut_off_goes_on_in_its_round() {
    let whole = Program::new();
    let file = outside(&whole, HALVING);
    whole.succeed(&["run", &file, "--seeds", "1"]);
    // What a run leaves that was killed in the second round.
    let program = Program::new();
    let file = outside(&program, HALVING);
    program.succeed(&["run", &file, "--seeds", "1"]);
    std::fs::remove_dir_all(program.store().join("outside/quick/report")).expect("a report");
    let longer =
        |(_, config): &&(String, toml::Table)| config["training"]["epochs"].as_integer() == Some(3);
    let lost = settings(&program, "outside/quick/search");
    let lost: Vec<_> = lost.iter().filter(longer).take(2).collect();
    for (name, _) in &lost {
        let folder = program.store().join("outside/quick/search").join(name);
        std::fs::remove_dir_all(folder).expect("a trial");
    }
    let error = program.fail(&["report", &file, "--seeds", "1"]);
    assert!(error.contains("has not run to its end"), "{error}");
    let log = program::stderr(&program.succeed(&["run", &file, "--seeds", "1"]));
    assert_eq!(log.matches("already finished").count(), 18 + 4 + 2, "{log}");
    assert_eq!(
        program.results("outside/quick/search"),
        whole.results("outside/quick/search")
    );
}

#[test]
fn random_candidates_are_drawn_once_and_for_all_variants() {
    let program = Program::new();
    let search = HALVING
        .replace("halving", "random")
        .replace("epochs = 9", "epochs = 1");
    let search = search.replace("trials = 9", "trials = 4");
    let file = outside(&program, &search);
    // A dry run says what there will be; a key that is given is not searched.
    let text = program::stdout(&program.succeed(&["run", &file, "--dry-run"]));
    assert!(
        text.contains("8 trials: 2 variants x 4 values x 1 seeds, 1 epochs"),
        "{text}"
    );
    program.succeed(&["run", &file, "--seeds", "1", "--set", "optimiser.lr=0.01"]);
    let search = &report(&program, "outside/quick")["search"];
    assert_eq!(
        search["keys"],
        serde_json::json!(["data.images", "training.batch_size"])
    );
    let values = |variant: usize| -> Vec<&Value> {
        let candidates = search["variants"][variant]["candidates"].as_array();
        let candidates = candidates.expect("candidates").iter();
        candidates.map(|candidate| &candidate["values"]).collect()
    };
    assert_eq!(values(0).len(), 4);
    assert_eq!(values(0), values(1));
}
