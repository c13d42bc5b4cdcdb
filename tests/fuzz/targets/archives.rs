//! Tar archives: of a set of class folders, and the official ones of ImageNet with
//! the list of labels.

use std::path::Path;

use ablate_core::{DataContext, registry};
use ablate_data::{Preparation, prepare_imagenet};
use image::ImageFormat::{Jpeg, Png};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{MIB, read_all};
use crate::archive::tar;
use crate::engine::{Part, Target};
use crate::seeds::{encoded, picture};
use crate::{change, repair, scratch, text};

#[test]
fn image_folder() {
    let folder = scratch::folder();
    let path = folder.path().join("set.tar");
    let image = |number| encoded(picture(number), Png);
    let member = |name: &str, bytes: Vec<u8>| (name.to_string(), bytes);
    let set = [
        member("set/train/a/1.png", image(1)),
        member("set/train/a/2.png", image(2)),
        member("set/train/b/1.png", image(3)),
        member("set/val/a/1.png", image(4)),
        member("set/val/b/1.png", image(5)),
        member("set/classes.tsv", b"a\tan animal\nb\ta bird\n".to_vec()),
    ];
    let deep = "train/a/".to_string() + &"long/".repeat(30) + "1.png";
    let split = [member(&deep, image(1)), member("train/a/2.png", image(2))];
    let target = Target {
        name: "image_folder",
        parts: vec![Part {
            name: "tar",
            seeds: vec![tar(&set), tar(&split)],
            change: archive,
        }],
        memory: 256 * MIB,
        share: 1.0,
    };
    target.run(|_, input| {
        std::fs::write(&path, input).expect("writable");
        let config = json!({
            "root": path, "size": 8, "holdout": 0, "validation_fraction": 0.5,
            "train_limit": null, "validation_limit": null, "cache_mib": 0,
        });
        let data = registry::dataset("image_folder", &config, &DataContext::default())
            .map_err(|error| error.to_string())?;
        read_all(data.as_ref())
    });
}

#[test]
fn prepare() {
    let folder = scratch::folder();
    let at = |name: &str| folder.path().join(name);
    let class = |id: &str, first: u32| {
        let image = |number: u32| {
            let name = format!("{id}_{number}.JPEG");
            (name, encoded(picture(number), Jpeg))
        };
        let images: Vec<_> = (first..first + 2).map(image).collect();
        (format!("{id}.tar"), tar(&images))
    };
    let train = tar(&[class("n00000002", 1), class("n00000001", 3)]);
    let image = |number: u32| {
        let name = format!("ILSVRC2012_val_{number:08}.JPEG");
        (name, encoded(picture(number), Jpeg))
    };
    let validation = tar(&[image(1), image(2), image(3)]);
    let labels = b"n00000001\nn00000002\nn00000001\n".to_vec();
    let named = b"ImageId,Label\nILSVRC2012_val_00000001,n00000001 1 2 3 4\n\
                  ILSVRC2012_val_00000002,n00000002\nILSVRC2012_val_00000003,n00000002\n";
    let files = [("train", train), ("val", validation), ("labels", labels)];
    let put = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).expect("writable");
    files.iter().for_each(|(name, bytes)| put(name, bytes));
    let [train, val, labels] = files.clone().map(|(_, bytes)| bytes);
    let part = |name, seeds, change| Part {
        name,
        seeds,
        change,
    };
    let target = Target {
        name: "prepare",
        parts: vec![
            part("train", vec![train], archive),
            part("val", vec![val], archive),
            part("labels", vec![labels, named.to_vec()], text::text),
        ],
        memory: 256 * MIB,
        share: 0.2,
    };
    target.run(|part, input| {
        put(part, input);
        let prepared = prepared(folder.path());
        if let Some((name, bytes)) = files.iter().find(|(name, _)| *name == part) {
            put(name, bytes);
        }
        prepared
    });
}

/// Packs the archives of a folder, and reads what was packed.
fn prepared(folder: &Path) -> Result<(), String> {
    let into = folder.join("into");
    if into.exists() {
        std::fs::remove_dir_all(&into).expect("removable");
    }
    let wanted = Preparation {
        validation: Some((folder.join("val"), folder.join("labels"))),
        size: 8,
        validation_shard: 2,
        threads: Some(1),
        ..Preparation::new(folder.join("train"), &into)
    };
    let done = prepare_imagenet(&wanted, &mut |_| ()).map_err(|error| error.to_string());
    let outside: Vec<_> = std::fs::read_dir(folder).expect("readable").collect();
    assert!(
        outside.len() <= 4,
        "a file was written outside: {outside:?}"
    );
    let done = done?;
    if done.train == 0 || done.validation == 0 {
        return Ok(());
    }
    let config = json!({
        "root": into, "holdout": 0, "train_limit": null, "validation_limit": null,
        "cache_mib": 0,
    });
    let data = registry::dataset("shards", &config, &DataContext::default());
    read_all(data.expect("what was prepared opens").as_ref())
}

/// Changes bytes, or fields of a member's header.
fn archive(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    match rng.random_bool(0.5) {
        true => field(input, rng),
        false => change::bytes(input, other, rng),
    }
    if rng.random_bool(0.8) {
        repair::tar(input);
    }
}

fn field(input: &mut [u8], rng: &mut ChaCha8Rng) {
    const NAMES: [&str; 8] = [
        "../x.png",
        "/etc/x",
        "train/../../x",
        "train/a/./1.png",
        "train//a/1.png",
        "\\..\\x",
        "././@LongLink",
        "val/c/1.png",
    ];
    const SIZES: [&str; 6] = [
        "00000000000",
        "77777777777",
        "00000001000",
        "-0000000001",
        "7777777777x",
        "00000000001",
    ];
    let headers: Vec<usize> = (0..input.len().saturating_sub(511))
        .step_by(512)
        .filter(|at| &input[at + 257..at + 262] == b"ustar")
        .collect();
    let Some(&at) = headers.choose(rng) else {
        return;
    };
    let header = &mut input[at..at + 512];
    let mut put = |from: usize, length: usize, bytes: &[u8]| {
        let place = &mut header[from..from + length];
        place.fill(0);
        place[..bytes.len()].copy_from_slice(bytes);
    };
    match rng.random_range(0..6) {
        0 => put(0, 100, NAMES.choose(rng).expect("not empty").as_bytes()),
        1 => put(124, 12, SIZES.choose(rng).expect("not empty").as_bytes()),
        2 => {
            // A number of 95 bits, as GNU writes large ones.
            let mut size = [0; 12];
            rng.fill(&mut size[4..]);
            size[0] = 0x80;
            put(124, 12, &size);
        }
        3 => put(
            156,
            1,
            &[*b"01234567LKxgSD\0V".choose(rng).expect("not empty")],
        ),
        4 => put(157, 100, b"../../../etc/passwd"),
        _ => put(345, 155, b"train/a/b/../.."),
    }
}
