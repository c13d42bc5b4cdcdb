//! Every mistake a user can make ends with a message that names the place, the
//! key and the fix.

mod program;

use program::Program;

const EXPERIMENT: &str = "tests/outside/experiment.toml";

/// Runs `text` as an experiment file and returns what the program said.
fn refuse(text: &str) -> String {
    let program = Program::new();
    let file = program.store().join("mistake.toml");
    std::fs::write(&file, text).expect("a file");
    program.fail(&["run", file.to_str().expect("UTF-8")])
}

fn experiment() -> String {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(here.join("outside/experiment.toml")).expect("the experiment")
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    let error = refuse(&experiment().replace("epochs = 4", "epoch = 4"));
    assert_says(
        &error,
        &[
            "mistake.toml:21:14",
            "[base]: `training.epoch`",
            // The line, and a mark under the key.
            "21 | training = { epoch = 4, batch_size = 8 }\n   |              ^^^^^\n",
            "did you mean `epochs`?",
        ],
    );
    let error =
        refuse(&experiment().replace("name = \"stripes\"", "name = \"stripes\", image = 8"));
    assert_says(&error, &["`data.image`", "did you mean `images`?"]);
}

#[test]
fn an_unknown_table_plugin_profile_or_variant_is_refused() {
    let error = refuse(&experiment().replace("[base]", "[bsae]"));
    assert_says(&error, &["`bsae`", "did you mean `base`?"]);
    let error = refuse(&experiment().replace("\"regression\"", "\"regresion\""));
    assert_says(
        &error,
        &["no model named `regresion`", "did you mean `regression`?"],
    );
    let error = refuse(&experiment().replace("treatment = \"with\"", "treatment = \"wiht\""));
    assert_says(&error, &["`wiht`", "did you mean `with`?"]);
    let error = Program::new().fail(&["run", EXPERIMENT, "--profile", "quik"]);
    assert_says(&error, &["profiles.quik", "did you mean `quick`?"]);
}

#[test]
fn a_wrong_type_names_key_and_type() {
    let error = refuse(&experiment().replace("epochs = 4", "epochs = \"four\""));
    assert_says(&error, &["`training.epochs`", "integer"]);
}

#[test]
fn a_device_that_is_not_there_is_refused_before_anything_trains() {
    let on = |device: &str| {
        let setting = format!("machine.device=\"{device}\"");
        Program::new().fail(&["run", EXPERIMENT, "--set", &setting])
    };
    assert_says(&on("gpu"), &["`machine.device`", "`gpu` is no device"]);
    for (setting, parts) in [
        (
            "training.precision=bf16",
            ["`training.precision`", "float32 only"],
        ),
        (
            "machine.workers=2",
            ["`machine.workers`", "set machine.workers=1"],
        ),
    ] {
        let settings = ["--set", "machine.device=cuda", "--set", setting];
        let error = Program::new().fail(&[&["run", EXPERIMENT][..], &settings].concat());
        assert_says(&error, &parts);
    }
    // Built without CUDA, or with it but without so many GPUs.
    assert_says(
        &on("cuda:999"),
        &["`machine.device`", "`cuda:999`", "docs/cuda.md"],
    );
}

#[test]
fn broken_toml_shows_the_line() {
    let error = refuse("[experiment]\nname = \n");
    assert_says(&error, &["mistake.toml", "line 2"]);
}

#[test]
fn a_report_without_trials_says_which_run_makes_them() {
    let program = Program::new();
    let error = program.fail(&[
        "report",
        EXPERIMENT,
        "--seeds",
        "2",
        "--set",
        "training.epochs=2",
    ]);
    let run = format!("cargo xtask run {EXPERIMENT} --set training.epochs=2 --seeds 2 --store ");
    assert_says(&error, &["no trial has run", &run, program.path()]);
}

#[test]
fn a_missing_file_is_named() {
    let error = Program::new().fail(&["run", "experiments/absent.toml"]);
    assert_says(&error, &["experiments/absent.toml", "fix:"]);
}

#[test]
fn a_setting_that_makes_variants_equal_is_refused() {
    let error = Program::new().fail(&["run", EXPERIMENT, "--set", "model.bias=true"]);
    assert_says(&error, &["are the same", "--set"]);
}

#[test]
fn a_schedule_must_watch_an_evaluated_metric() {
    let program = Program::new();
    let plateau = |metric: &'static str| {
        let name = [
            "run",
            EXPERIMENT,
            "--dry-run",
            "--set",
            "schedule.name=plateau",
        ];
        [name.as_slice(), &["--set", metric]].concat()
    };
    let error = program.fail(&plateau("schedule.metric=top5_error"));
    assert_says(
        &error,
        &[
            "`evaluation.metrics`",
            "the schedule `plateau` watches `top5_error`, which is not evaluated",
            "add \"top5_error\"",
        ],
    );
    program.succeed(&plateau("schedule.metric=top1_error"));
}

#[test]
fn a_claim_must_measure_what_is_evaluated() {
    let claim = "final_validation = \"brier\"";
    let error = refuse(&experiment().replace(claim, "final_validation = \"top5_error\""));
    assert_says(
        &error,
        &["the claim measures `top5_error`, which is not evaluated"],
    );
    let late = "train_at = { metric = \"brier\", epoch = 5 }";
    let error = refuse(&experiment().replace(claim, late));
    assert_says(
        &error,
        &["`experiment.claim.measure`", "no epoch 5", "1..=4"],
    );
    let unseen = experiment()
        .replace(claim, "validation_at = { metric = \"brier\", epoch = 1 }")
        .replace("evaluation = { ", "evaluation = { every = 2, ");
    assert_says(&refuse(&unseen), &["not evaluated after epoch 1"]);
}

#[test]
fn what_a_profile_changes_is_checked_before_anything_trains() {
    let changed = |table: &str| refuse(&format!("{}\n[profiles.quick.{table}\n", experiment()));
    for (table, key, says) in [
        (
            "claim]\nbaseline = \"witout\"",
            "`profiles.quick.claim.baseline`",
            "did you mean `without`?",
        ),
        (
            "claim]\nbaseline = \"with\"",
            "`profiles.quick.claim`",
            "compares `with` with itself",
        ),
        (
            "claim]\ntreatmnt = \"with\"",
            "`profiles.quick.claim.treatmnt`",
            "did you mean `treatment`?",
        ),
        (
            "claim]\npaper = \"much\"",
            "`profiles.quick.claim.paper`",
            "`cargo xtask describe experiment`",
        ),
        (
            "variants]\nwith = 3",
            "`profiles.quick.variants.with`",
            "it is not a table",
        ),
    ] {
        assert_says(&changed(table), &["mistake.toml", key, says, "fix:"]);
    }
}

#[test]
fn a_metric_is_named_once() {
    let metrics = "evaluation.metrics=[\"loss\",\"top1_error\",\"brier\",\"loss\"]";
    let error = Program::new().fail(&["run", EXPERIMENT, "--set", metrics]);
    assert_says(
        &error,
        &["`evaluation.metrics`", "`loss` is named twice", "fix:"],
    );
}

#[test]
fn a_setting_is_named_as_the_origin() {
    let error = Program::new().fail(&["run", EXPERIMENT, "--set", "training.epohcs=3"]);
    assert_says(
        &error,
        &["--set training.epohcs=3", "did you mean `epochs`?"],
    );
}

#[test]
fn an_environment_variable_is_a_layer() {
    let program = Program::new();
    let output = program
        .command(&["run", EXPERIMENT])
        .env("ABLATE__TRAINING__EPOHCS", "3")
        .output()
        .expect("the program starts");
    assert_says(
        &program::stderr(&output),
        &["ABLATE__", "did you mean `epochs`?"],
    );
    program
        .command(&["run", EXPERIMENT, "--seeds", "1"])
        .env("ABLATE__TRAINING__EPOCHS", "2")
        .output()
        .expect("the program starts");
    assert_eq!(
        program.metrics(&program.trials("outside/quick")[0]).len(),
        2
    );
}

#[test]
fn missing_data_says_where_it_was_looked_for_and_how_to_get_it() {
    let program = Program::new();
    let output = program
        .command(&["run", "experiments/relu_vs_tanh.toml", "--profile", "paper"])
        .env("ABLATE__DATA__ROOT", "/nonexistent")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert_says(
        &program::stderr(&output),
        &["/nonexistent", "data fetch cifar10"],
    );
}

#[test]
fn a_truncated_batch_file_is_named_with_both_sizes() {
    let program = Program::new();
    let folder = program.store().join("cifar-10-batches-bin");
    std::fs::create_dir(&folder).expect("a folder");
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        std::fs::write(folder.join(format!("{name}.bin")), vec![0; 3073 * 2]).expect("a file");
    }
    let output = program
        .command(&["run", "experiments/relu_vs_tanh.toml", "--profile", "paper"])
        .env("ABLATE__DATA__ROOT", &folder)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert_says(
        &program::stderr(&output),
        &["data_batch_1.bin", "30730000", "6146"],
    );
}

#[test]
fn a_report_of_nothing_leaves_nothing() {
    let program = Program::new();
    let error = program.fail(&["report", EXPERIMENT]);
    assert_says(&error, &["no trial has run yet", "fix:"]);
    assert!(!program.store().join("outside").exists());
}

#[test]
fn an_unwritable_store_is_named() {
    let program = Program::new();
    let store = program.store();
    std::fs::remove_dir(store).expect("an empty folder");
    std::fs::write(store, "not a folder").expect("a file");
    let error = program.fail(&["run", EXPERIMENT]);
    std::fs::remove_file(store).expect("a file");
    assert_says(&error, &[&store.display().to_string(), "fix:"]);
}

#[test]
fn a_name_that_leads_out_of_the_store_is_refused() {
    let text = experiment();
    let changed = |from: &str, to: &str| text.replace(from, to);
    for (key, text) in [
        ("experiment.name", changed("\"outside\"", "\"../evil\"")),
        ("experiment.name", changed("\"outside\"", "\"/tmp/evil\"")),
        ("experiment.name", changed("\"outside\"", "\"\"")),
        (
            "variants.../../x",
            changed("[variants.with.", "[variants.\"../../x\"."),
        ),
        (
            "profiles.../p",
            changed("profiles.quick", "profiles.\"../p\""),
        ),
    ] {
        let said = refuse(&text);
        assert_says(
            &said,
            &["mistake.toml", &format!("`{key}`"), "the name", "fix:"],
        );
    }
    let ensemble = text + "[ensembles.'a/b']\nof = 'with'\nsize = 2\n";
    assert_says(
        &refuse(&ensemble),
        &["`ensembles.a/b`", "the name \"a/b\"", "fix:"],
    );
}

#[test]
fn numbers_beyond_any_run_are_refused_before_anything_trains() {
    let seeds = |seeds: &str| refuse(&experiment().replace("seeds = 3", seeds));
    assert_says(
        &seeds("seeds = 0"),
        &["`profiles.quick.seeds`", "1 to 1000"],
    );
    let many = seeds("seeds = 9223372036854775807");
    assert_says(
        &many,
        &["mistake.toml", "`profiles.quick.seeds`", "1 to 1000"],
    );
    for (setting, says) in [
        ("training.epochs=9223372036854775807", "never end"),
        ("training.epochs=1e30", "integer"),
        ("machine.threads=1000000000", "more than any machine has"),
        ("machine.checkpoint_minutes=1e30", "525600"),
        ("optimiser.lr=nan", "no finite number"),
        ("training.stop_at_train_error=inf", "no finite number"),
    ] {
        let (key, _) = setting.split_once('=').expect("a setting");
        let error = Program::new().fail(&["run", EXPERIMENT, "--set", setting]);
        assert_says(&error, &["--set", &format!("`{key}`"), says, "fix:"]);
    }
    let nan = refuse(&experiment().replace("epochs = 4", "epochs = 4, stop_at_train_error = nan"));
    assert_says(&nan, &["mistake.toml", "stop_at_train_error`: NaN", "fix:"]);
}
