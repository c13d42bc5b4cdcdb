//! A set of shards: manifest, shard, statistics and names.

use std::collections::BTreeMap;

use ablate_core::{DataContext, registry};
use ablate_data::{Preparation, prepare_imagenet};
use image::ImageFormat::Jpeg;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{MIB, networks, read_all};
use crate::archive::tar;
use crate::engine::{Part, Target};
use crate::seeds::{encoded, picture};
use crate::{change, repair, scratch, text};

#[test]
fn shards() {
    of_encoding("shards", true);
}

#[test]
fn jpeg_shards() {
    of_encoding("jpeg_shards", false);
}

fn of_encoding(name: &'static str, raw: bool) {
    let folder = scratch::folder();
    let root = folder.path().join("set");
    let image = |number: u32| (format!("{number}.JPEG"), encoded(picture(number), Jpeg));
    let class = |id: &str| (format!("{id}.tar"), tar(&[image(1), image(2), image(3)]));
    let train = folder.path().join("train.tar");
    let archive = tar(&[class("n00000001"), class("n00000002")]);
    std::fs::write(&train, archive).expect("writable");
    let wanted = Preparation {
        raw,
        size: 6,
        ..Preparation::new(&train, &root)
    };
    prepare_imagenet(&wanted, &mut |_| ()).expect("prepared");
    std::fs::write(root.join("classes.tsv"), "n00000001\ta bird\n").expect("writable");
    let parts: [(&'static str, crate::engine::Change); 4] = [
        ("manifest.json", text::text),
        ("train-n00000001.shard", shard),
        ("statistics.safetensors", networks::safetensors),
        ("classes.tsv", text::text),
    ];
    let files: BTreeMap<&str, Vec<u8>> = parts
        .iter()
        .map(|(file, _)| (*file, std::fs::read(root.join(file)).expect("readable")))
        .collect();
    let target = Target {
        name,
        parts: parts
            .iter()
            .map(|(file, change)| Part {
                // Its file's ending would look like an input's.
                name: file.split('.').next().expect("a name"),
                seeds: vec![files[file].clone()],
                change: *change,
            })
            .collect(),
        memory: 64 * MIB,
        share: 1.0,
    };
    let full = |part: &str| {
        let mut names = files.keys();
        *names.find(|name| name.starts_with(part)).expect("a file")
    };
    target.run(|part, input| {
        let file = full(part);
        std::fs::write(root.join(file), input).expect("writable");
        let read = [0, 2].map(|holdout| {
            let config = json!({
                "root": root, "holdout": holdout, "train_limit": null,
                "validation_limit": null, "cache_mib": 1,
            });
            let data = registry::dataset("shards", &config, &DataContext::default());
            read_all(data.map_err(|error| error.to_string())?.as_ref())
        });
        std::fs::write(root.join(file), &files[file]).expect("writable");
        // Without validation images the first is refused whatever the input is.
        let [_, held_out] = read;
        held_out
    });
}

fn shard(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    // Header and index are small against the images.
    let tail = input.len().saturating_sub(rng.random_range(0..400));
    match rng.random_range(0..4) {
        0 if input.len() > 64 => {
            let mut head = input[..64].to_vec();
            change::bytes(&mut head, &other[..other.len().min(64)], rng);
            input.splice(..64, head);
        }
        1 if tail > 0 => {
            let mut end = input.split_off(tail);
            change::bytes(&mut end, other, rng);
            input.extend(end);
        }
        _ => change::bytes(input, other, rng),
    }
    if rng.random_bool(0.8) {
        repair::shard(input);
    }
}
