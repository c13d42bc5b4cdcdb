//! A set of shards: manifest, shard, statistics and names.

use std::path::Path;

use ablate_core::{DataContext, registry};
use ablate_data::{Preparation, prepare_imagenet};
use image::ImageFormat::Jpeg;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{MIB, networks, read_all};
use crate::archive::tar;
use crate::engine::Target;
use crate::files::Files;
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
    let files = files(&root).with("classes", root.join("classes.tsv"), text::text);
    let target = Target {
        name,
        parts: files.parts(),
        memory: 64 * MIB,
        share: 1.0,
    };
    target.run(|part, input| {
        let read = files.changed(part, input, || [0, 2].map(|holdout| read(&root, holdout)));
        // Without validation images the first is refused whatever the input is.
        let [_, held_out] = read;
        held_out
    });
}

/// The files that preparing makes, of which a set with one class has one shard.
pub fn files(root: &Path) -> Files {
    let statistics = root.join("statistics.safetensors");
    Files::default()
        .with("manifest", root.join("manifest.json"), text::text)
        .with("shard", root.join("train-n00000001.shard"), shard)
        .with("statistics", statistics, networks::safetensors)
}

/// Reads a set, with so many of its training images held out.
pub fn read(root: &Path, holdout: usize) -> Result<(), String> {
    let config = json!({
        "root": root, "holdout": holdout, "train_limit": null, "validation_limit": null,
        "cache_mib": 1,
    });
    let data = registry::dataset("shards", &config, &DataContext::default());
    read_all(data.map_err(|error| error.to_string())?.as_ref())
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
