//! A set of shards whose preparation was interrupted, and goes on.

use std::path::Path;

use ablate_data::{Preparation, prepare_imagenet};
use image::ImageFormat::Jpeg;

use super::{MIB, shards};
use crate::archive::tar;
use crate::engine::Target;
use crate::scratch;
use crate::seeds::{encoded, picture};

#[test]
fn interrupted() {
    let folder = scratch::folder();
    let (train, into) = (folder.path().join("train.tar"), folder.path().join("into"));
    let image = |number: u32| (format!("{number}.JPEG"), encoded(picture(number), Jpeg));
    let class = |id: &str| (format!("{id}.tar"), tar(&[image(1), image(2)]));
    let archive = tar(&[class("n00000001"), class("n00000002")]);
    std::fs::write(&train, archive).expect("writable");
    let wanted = Preparation {
        size: 6,
        threads: Some(1),
        ..Preparation::new(&train, &into)
    };
    let prepare = || prepare_imagenet(&wanted, &mut |_| ()).map_err(|error| error.to_string());
    prepare().expect("prepared");
    interrupt(&into);
    let files = shards::files(&into);
    let target = Target {
        name: "interrupted",
        parts: files.parts(),
        memory: 64 * MIB,
        share: 0.2,
    };
    target.run(|part, input| {
        let read = files.changed(part, input, || {
            prepare()?;
            shards::read(&into, 2)
        });
        let outside = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(outside, 2, "a file was written outside");
        interrupt(&into);
        read
    });
}

/// Leaves the set as it is when the second class is cut off.
fn interrupt(into: &Path) {
    // A process that a test beside this one begins holds an open lock until it runs.
    for name in ["train-n00000002.shard", ".lock"] {
        let path = into.join(name);
        if path.exists() {
            std::fs::remove_file(path).expect("removable");
        }
    }
}
