//! The configs of a search, which share what they have in common, against each read
//! whole by itself.

use std::path::Path;

use ablate_alexnet as _;
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_core::DataContext;
use ablate_data as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Draft, PlannedTrial};

fn draft(file: &Path, settings: &[String]) -> Draft {
    let nowhere = DataContext { roots: Vec::new() };
    Draft::read(file, None, settings, Some(1), nowhere).unwrap_or_else(|error| panic!("{error}"))
}

/// An experiment with these tables added to it.
fn write(folder: &Path, more: &str) -> std::path::PathBuf {
    let text = format!(
        r#"
        [experiment]
        name = "planned"
        title = "Planned"

        [experiment.claim]
        text = "One trains better than the other."
        section = "none"
        measure = {{ final_train = "loss" }}
        comparison = "points"
        baseline = "one"
        treatment = "other"

        [base.data]
        name = "shapes"
        train = 40

        [base.optimiser]
        name = "sgd"
        momentum = 0.5

        [base.augmentation]
        steps = ["mean_subtraction"]

        [variants.one.training]
        batch_size = 8

        [variants.other.training]
        batch_size = 16

        [profiles.quick]
        {more}
        "#
    );
    let file = folder.join("planned.toml");
    std::fs::write(&file, text).expect("a file");
    file
}

/// Each trial of a search is the trial that a user would get by setting its values.
fn assert_as_set(more: &str, given: &[&str], trials: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), more);
    let given: Vec<String> = given.iter().map(ToString::to_string).collect();
    let searched = draft(&file, &given);
    let rounds = searched.foreseen().expect("rounds");
    let all: Vec<&PlannedTrial> = rounds.iter().flat_map(|round| &round.trials).collect();
    assert_eq!(all.len(), trials);
    for trial in all {
        let mut settings = vec!["search.enabled=false".to_string()];
        let tries = trial.tries.as_deref().expect("values");
        // `optimiser.lr = 0.01, model.name = "convnet"`
        settings.extend(tries.split(", ").map(|pair| pair.replacen(" = ", "=", 1)));
        settings.extend(given.iter().cloned());
        settings.push(format!("training.epochs={}", trial.config.training.epochs));
        let alone = draft(&file, &settings).plan(&[]).expect("a plan");
        let mut alone = alone.trials.into_iter();
        let alone = alone.find(|alone| alone.variant == trial.variant);
        let alone = alone.expect("the variant");
        assert_eq!(trial.config, alone.config, "{tries}");
        assert_eq!(trial.hash, trial.config.hash(trial.seed), "{tries}");
    }
}

const CONVNET: &str = "model = { name = \"convnet\", filters = [4, 4, 4] }\n";

#[test]
fn a_candidate_is_the_variant_with_its_values() {
    let search = "search = { epochs = 3, keys = { \"optimiser.lr\" = [0.1, 0.01], \
                  \"training.epochs\" = [3], \"model.activation\" = [\"relu\", \"tanh\"] } }";
    assert_as_set(&format!("{CONVNET}{search}"), &[], 8);
}

#[test]
fn the_user_has_the_last_word_on_tables_that_are_searched() {
    let search = "search = { epochs = 1, keys = { \"optimiser.lr\" = [0.1, 0.01] } }";
    let given = ["optimiser.weight_decay=0.5", "machine.threads=1"];
    assert_as_set(&format!("{CONVNET}{search}"), &given, 4);
}

#[test]
fn a_round_of_halving_is_as_long_as_it_says() {
    let search = "search = { strategy = \"halving\", trials = 4, eta = 2, epochs = 4, \
                  keys = { \"optimiser.lr\" = { log_uniform = [1e-3, 0.1] } } }";
    assert_as_set(&format!("{CONVNET}{search}"), &[], 8 + 4);
}

#[test]
fn another_plugin_takes_no_key_of_the_one_before() {
    let search = "search = { epochs = 1, keys = { \"optimiser.name\" = [\"adam\", \"sgd\"] } }";
    assert_as_set(&format!("{CONVNET}{search}"), &[], 4);
}
