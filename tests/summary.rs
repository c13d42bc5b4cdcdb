//! `summary` counts what the paper counts.

mod program;

use std::process::Stdio;

use program::{Program, stdout};
use serde_json::{Value, json};

fn summary(arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["summary"], arguments, &["--json"]].concat();
    let output = Program::new().succeed(&arguments);
    let networks: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    networks.as_array().expect("a list").clone()
}

/// The layers with weights of section 3.5 as they stand there: kernels, their height
/// and width, the maps each sees, and the height and width of its own maps.
const PAPER: [[usize; 4]; 8] = [
    [96, 11, 3, 55],
    [256, 5, 48, 27],
    [384, 3, 256, 13],
    [384, 3, 192, 13],
    [256, 3, 192, 13],
    [4096, 6, 256, 1],
    [4096, 1, 4096, 1],
    [1000, 1, 4096, 1],
];

#[test]
fn alexnet_is_the_papers_by_an_independent_count() {
    let networks = summary(&["alexnet"]);
    let network = &networks[0];
    let layers = network["layers"].as_array().expect("layers");
    let weighted = layers.iter().filter(|layer| layer["parameters"] != 0);
    let weighted: Vec<&Value> = weighted.collect();
    assert_eq!(weighted.len(), PAPER.len());
    let mut sums = [0; 3];
    for (layer, [kernels, size, seen, side]) in weighted.into_iter().zip(PAPER) {
        let (weights, places) = (kernels * size * size * seen, side * side);
        let counts = [weights + kernels, kernels * places, weights * places];
        let found = ["parameters", "neurons", "multiply_adds"].map(|key| layer[key].clone());
        assert_eq!(found, counts.map(Value::from), "{layer}");
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    // The paper's list of neurons (section 3.5), its 253,440 for conv1 set right: the
    // 96 maps of 55x55 that it speaks of are 290,400.
    let listed = [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000];
    assert_eq!(sums, [60_965_224, listed.iter().sum(), 724_406_816]);
    assert_eq!(sums[1], 659_272);
    let found = ["parameters", "neurons", "multiply_adds", "flops"].map(|key| &network[key]);
    let counts = [sums[0], sums[1], sums[2], 2 * sums[2]];
    assert_eq!(
        found,
        [0, 1, 2, 3]
            .map(|at| counts[at])
            .map(Value::from)
            .each_ref()
    );
}

#[test]
fn activations_are_the_bytes_of_every_output() {
    let arguments = [
        "convnet",
        "--input",
        "3x32x32",
        "--classes",
        "10",
        "--batch",
        "2",
    ];
    let network = &summary(&arguments)[0];
    // Three convolutions with their poolings, the linear layer; ReLUs are fused.
    let values = 32 * 1024 + 32 * 256 + 32 * 256 + 32 * 64 + 64 * 64 + 64 * 16 + 10;
    assert_eq!(network["activation_bytes"], json!(2 * 4 * values));
    assert_eq!(network["parameters"], 89_578);
}

#[test]
fn settings_change_the_network_and_the_table_has_its_totals() {
    let narrow = ["alexnet", "--set", "model.width=0.5", "--classes", "10"];
    let half = &summary(&narrow)[0];
    assert_eq!(half["config"]["width"], 0.5);
    assert_eq!(half["layers"][0]["output"], json!([48, 55, 55]));
    let output = Program::new().succeed(&[&["summary"], narrow.as_slice()].concat());
    let text = stdout(&output);
    let total = text.lines().find(|line| line.starts_with("total"));
    let digits = |text: &str| text.replace(',', "");
    let cells: Vec<String> = total
        .expect("a total")
        .split_whitespace()
        .map(digits)
        .collect();
    let counts = ["parameters", "neurons", "multiply_adds", "activation_bytes"];
    assert_eq!(cells[1..], counts.map(|key| half[key].to_string()));
}

#[test]
fn an_experiment_shows_each_of_its_networks_once() {
    let depth = summary(&["experiments/depth.toml", "--profile", "ci"]);
    let variants: Vec<&Value> = depth.iter().map(|network| &network["variants"]).collect();
    assert!(variants.len() > 2, "{variants:?}");
    let parameters: std::collections::BTreeSet<u64> = depth
        .iter()
        .filter_map(|network| network["parameters"].as_u64())
        .collect();
    assert!(parameters.len() > 2, "{parameters:?}");
    // Its variants differ in their decay alone.
    let decay = summary(&["weight_decay", "--profile", "ci"]);
    assert_eq!(decay.len(), 1);
    assert!(
        decay[0]["variants"]
            .as_array()
            .is_some_and(|names| names.len() > 1)
    );
    // Nothing of CIFAR-10 is needed where its sizes are given.
    let given = [
        "--profile",
        "paper",
        "--input",
        "3x32x32",
        "--classes",
        "10",
    ];
    let output = Program::new()
        .command(&[&["summary", "relu_vs_tanh"], given.as_slice()].concat())
        .env("ABLATE__DATA__ROOT", "/nonexistent")
        .output();
    assert!(output.expect("the program starts").status.success());
}

#[test]
fn a_model_of_an_outside_crate_says_at_least_its_parameters() {
    let output = Program::new().succeed(&["summary", "regression", "--input", "3x8x8"]);
    let text = stdout(&output);
    assert!(
        text.contains("192,000 parameters; the model does not list"),
        "{text}"
    );
}

#[test]
fn mistakes_name_the_place_and_the_fix() {
    let program = Program::new();
    for (arguments, parts) in [
        (
            &["alexnte"][..],
            &["`alexnte`", "did you mean `alexnet`?"][..],
        ),
        (&["absent.toml"], &["absent.toml", "fix:"]),
        (
            &["alexnet", "--set", "model.widht=2"],
            &["--set model.widht=2", "did you mean `width`?"],
        ),
        (
            &["alexnet", "--set", "optimiser.lr=2"],
            &["`optimiser`", "model.width=0.5"],
        ),
        (&["alexnet", "--input", "3x8x8"], &["3x8x8", "`model.stem`"]),
        (&["alexnet", "--profile", "ci"], &["--profile"]),
        (
            &[
                "alexnet",
                "--input",
                "3x4096x4096",
                "--set",
                "model.hidden=65536",
            ],
            &["larger than any memory"],
        ),
    ] {
        let error = program.fail(&[&["summary"], arguments].concat());
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
    let output = program.output(&["summary", "alexnet", "--input", "3x8"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(program::stderr(&output).contains("3x224x224"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let program = Program::new();
    for _ in 0..5 {
        let mut command = program.command(&["summary", "alexnet", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(program::stderr(&output), "");
    }
}
