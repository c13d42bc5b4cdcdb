//! Small archives laid out as the official ones are, packed and read back.

mod content;
mod refusals;
mod resuming;

use std::collections::BTreeMap;
use std::path::Path;

use ablate_core::{DataContext, Dataset, DatasetConfig, Moments, Split};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::Shards;

/// Members of an archive, in order.
type Members = Vec<(String, Vec<u8>)>;

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .into()
        .write_to(&mut bytes, format)
        .expect("memory can be written");
    bytes.into_inner()
}

/// A smooth picture that differs with `seed`.
fn picture(seed: u32) -> RgbImage {
    RgbImage::from_fn(24 + seed % 5, 16 + seed % 7, |x, y| {
        Rgb([
            (40 + seed * 9 + 5 * x) as u8,
            (8 * y) as u8,
            (200 - 3 * x) as u8,
        ])
    })
}

fn jpeg(seed: u32) -> Vec<u8> {
    encoded(picture(seed), ImageFormat::Jpeg)
}

fn tar(members: &Members) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written by hand, since the builder refuses the hostile names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, &bytes[..])
            .expect("memory can be written");
    }
    tar.into_inner().expect("memory can be written")
}

const CLASSES: [&str; 3] = ["n00000003", "n00000001", "n00000002"];

/// The training images of each class, `count` and some of every difficult kind.
fn train(count: u32) -> BTreeMap<&'static str, Members> {
    let mut classes = BTreeMap::new();
    for (class, seed) in CLASSES.into_iter().zip(0..) {
        let member = |number: u32| {
            let name = format!("{class}_{number}.JPEG");
            (name, jpeg(50 * seed + number))
        };
        classes.insert(class, (0..count).map(member).collect::<Members>());
    }
    let grey = GrayImage::from_fn(20, 16, |x, y| Luma([(9 * x + y) as u8]));
    let mut add = |name: &str, bytes: Vec<u8>| {
        let class = classes.get_mut("n00000002").expect("there");
        class.push((name.to_string(), bytes));
    };
    add("grey.JPEG", encoded(grey, ImageFormat::Jpeg));
    add(
        "cmyk.JPEG",
        include_bytes!("../../../tests/fixtures/cmyk.jpg").to_vec(),
    );
    add(
        "ycck.JPEG",
        include_bytes!("../../../tests/fixtures/ycck.jpg").to_vec(),
    );
    add("png.JPEG", encoded(picture(3), ImageFormat::Png));
    let whole = jpeg(9);
    add("cut.JPEG", whole[..whole.len() - 20].to_vec());
    add("text.JPEG", b"no image".to_vec());
    add("empty.JPEG", Vec::new());
    classes
}

/// Archives and a list of labels in a folder.
struct Official {
    folder: TempDir,
}

impl Official {
    fn new(train: &BTreeMap<&str, Members>, validation: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Not in the order of their ids.
        let classes = CLASSES
            .iter()
            .filter_map(|class| train.get_key_value(class));
        let outer = classes.map(|(class, members)| (format!("{class}.tar"), tar(members)));
        let member = |number: u32| {
            let name = format!("ILSVRC2012_val_{number:08}.JPEG");
            (name, jpeg(100 + number))
        };
        let flat: Members = (1..=validation).map(member).collect();
        let labels: String = (1..=validation)
            .map(|number| format!("{}\n", CLASSES[number as usize % 3]))
            .collect();
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).expect("writable");
        };
        write("train.tar", &tar(&outer.collect()));
        write("val.tar", &tar(&flat));
        write("labels.txt", labels.as_bytes());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wanted(&self, into: &str) -> Preparation {
        Preparation {
            validation: Some((self.path("val.tar"), self.path("labels.txt"))),
            size: 16,
            validation_shard: 4,
            threads: Some(2),
            ..Preparation::new(self.path("train.tar"), self.path(into))
        }
    }
}

fn prepare(wanted: &Preparation) -> Result<Prepared> {
    prepare_imagenet(wanted, &mut |_| ())
}

fn failure<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("must fail"),
        Err(error) => error.to_string(),
    }
}

fn open(folder: &Path) -> Result<Box<dyn Dataset>> {
    open_with(folder, Shards::default())
}

fn open_with(folder: &Path, keys: Shards) -> Result<Box<dyn Dataset>> {
    let root = folder.display().to_string();
    Shards { root, ..keys }.build(&DataContext::default())
}

/// Labels and pixels of a split.
fn images(data: &dyn Dataset, split: Split) -> Vec<(u32, Vec<u8>)> {
    let bytes = data.info().shape.iter().product();
    let read = |index| {
        let mut pixels = vec![0; bytes];
        let label = data.read(split, index, &mut pixels).expect("readable");
        (label, pixels)
    };
    (0..data.len(split)).map(read).collect()
}

/// Every file of a folder but the lock, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, std::fs::read(entry.path()).expect("readable"))
    };
    entries
        .map(read)
        .filter(|(name, _)| name != ".lock")
        .collect()
}
