//! Fixtures of PyTorch's results, as `parity` reads them: an operator, or a network.

use rand::Rng;
use rand::seq::IndexedMutRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{MIB, networks};
use crate::engine::{Part, Target};
use crate::seeds::zeros;
use crate::{repair, scratch, text};

/// The largest batch and image that a changed fixture has computed: others are allowed,
/// and take their time.
const LARGEST: u64 = 40;

/// The names and shapes of a network's parameters.
const PARAMETERS: [(&str, &[usize]); 8] = [
    ("features.0.weight", &[32, 3, 5, 5]),
    ("features.0.bias", &[32]),
    ("features.4.weight", &[32, 32, 5, 5]),
    ("features.4.bias", &[32]),
    ("features.8.weight", &[64, 32, 5, 5]),
    ("features.8.bias", &[64]),
    ("classifier.0.weight", &[10, 64]),
    ("classifier.0.bias", &[10]),
];

#[test]
fn fixtures() {
    let folder = scratch::folder();
    let path = folder.path().join("fixture.safetensors");
    let part = |name, seeds| Part {
        name,
        seeds,
        change: fixture,
    };
    let target = Target {
        name: "fixtures",
        parts: vec![
            part("operator", operators()),
            part("network", vec![network()]),
        ],
        memory: 256 * MIB,
        share: 1.0,
    };
    target.run(|_, input| {
        if is_large(input) {
            return Err("large".to_string());
        }
        std::fs::write(&path, input).expect("writable");
        let read = xtask::readers::fixture(&path);
        read.map(drop).map_err(|error| format!("{error:#}"))
    });
}

fn operators() -> Vec<Vec<u8>> {
    let attrs = |op: &str, attrs: Value| Some(json!({ "op": op, "attrs": attrs.to_string() }));
    let of_image: [(&str, &[usize]); 2] = [("input", &[2, 4, 6, 5]), ("grad_input", &[2, 4, 6, 5])];
    let to = |shape: &'static [usize]| [("output", shape), ("grad_output", shape)];
    let filters: [(&str, &[usize]); 4] = [
        ("weight", &[6, 2, 3, 3]),
        ("grad_weight", &[6, 2, 3, 3]),
        ("bias", &[6]),
        ("grad_bias", &[6]),
    ];
    vec![
        zeros(
            attrs(
                "conv2d",
                json!({ "stride": 2, "padding": [1, 1], "groups": 2 }),
            ),
            &[&of_image[..], &to(&[2, 6, 3, 3]), &filters].concat(),
        ),
        zeros(
            attrs(
                "max_pool2d",
                json!({ "kernel": 3, "stride": [2, 1], "padding": 1 }),
            ),
            &[of_image, to(&[2, 4, 3, 5])].concat(),
        ),
        zeros(
            attrs(
                "local_response_norm",
                json!({ "size": 3, "alpha": 1e-4, "beta": 0.75, "k": 2.0 }),
            ),
            &[of_image, to(&[2, 4, 6, 5])].concat(),
        ),
    ]
}

fn network() -> Vec<u8> {
    let names: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).collect();
    let count = |(_, shape): &(&str, &[usize])| shape.iter().product::<usize>();
    let config = json!({
        "activation": "relu", "pool": "overlapping", "lrn": true, "lrn_size": 5,
        "lrn_alpha_paper": 1e-4, "lrn_beta": 0.75, "lrn_k": 2.0, "dropout": 0,
    });
    let metadata = json!({
        "model": "convnet4-relu", "config": config.to_string(), "batch": "2", "image": "8",
        "classes": "10", "params": PARAMETERS.iter().map(count).sum::<usize>().to_string(),
        "param_names": json!(names).to_string(), "seed": "0", "lr": "0.0001",
        "momentum": "0.9", "weight_decay": "0.0005",
    });
    let gradients: Vec<String> = names
        .iter()
        .flat_map(|name| ["grad_norm", "grad_at"].map(|what| format!("{what}.{name}")))
        .collect();
    let mut shapes: Vec<(&str, &[usize])> = vec![
        ("target", &[2]),
        ("logits", &[2, 10]),
        ("loss", &[1]),
        ("sgd_losses", &[2]),
    ];
    for name in &gradients {
        shapes.push((
            name,
            if name.starts_with("grad_at") {
                &[3]
            } else {
                &[1]
            },
        ));
    }
    zeros(Some(metadata), &shapes)
}

/// Changes the numbers of its header, a value of its metadata, or anything.
fn fixture(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    let parts = repair::parts(input).filter(|_| rng.random_bool(0.7));
    let Some((mut header, data)) = parts else {
        return networks::safetensors(input, other, rng);
    };
    match rng.random_bool(0.3) {
        true => text::numbers(&mut header, &[], rng),
        false => metadata(&mut header, rng),
    }
    *input = repair::joined(&header, &data);
}

fn metadata(header: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let Ok(mut layout) = serde_json::from_slice::<Value>(header) else {
        return;
    };
    let values = layout
        .get_mut("__metadata__")
        .and_then(Value::as_object_mut);
    let values = values.into_iter();
    let mut texts: Vec<&mut Value> = values.flat_map(|values| values.values_mut()).collect();
    let Some(value) = texts.choose_mut(rng) else {
        return;
    };
    let mut text = value.as_str().unwrap_or_default().as_bytes().to_vec();
    match rng.random_bool(0.5) {
        true => text::numbers(&mut text, &[], rng),
        false => text::text(&mut text, &[], rng),
    }
    **value = String::from_utf8_lossy(&text).into();
    *header = layout.to_string().into_bytes();
}

/// Whether a network's batch is one that is computed, and takes long.
fn is_large(input: &[u8]) -> bool {
    let header = repair::parts(input).map(|(header, _)| header);
    let layout: Option<Value> = header.and_then(|header| serde_json::from_slice(&header).ok());
    let of_metadata = |key: &str| layout.as_ref()?["__metadata__"][key].as_str()?.parse().ok();
    let sizes = ["batch", "image"].map(of_metadata);
    sizes
        .into_iter()
        .flatten()
        .any(|size: u64| (LARGEST..1 << 15).contains(&size))
}
