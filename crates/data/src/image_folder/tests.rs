//! Sets written for the tests, and the shared ones where they are present.

use image::{ImageFormat, Rgb, RgbImage};
use rayon::prelude::*;
use tempfile::TempDir;

use super::*;

pub(super) fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb(colour))
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("memory can be written");
    bytes.into_inner()
}

/// Files by path in the set.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// Two classes of `count` training and one validation image each.
pub(super) fn two_classes(count: u8) -> Files {
    let mut files = Files::new();
    for (class, red) in [("cat", 200), ("dog", 100)] {
        for number in 0..count {
            let image = png(6, 4, [red, number, 0]);
            files.push((format!("train/{class}/{number}.png"), image));
        }
        files.push((format!("val/{class}/v.PNG"), png(4, 4, [red, 250, 0])));
    }
    files
}

fn write_folder(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("writable");
    }
    folder
}

/// The files under one top folder in `set.tar`.
pub(super) fn write_archive(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = std::fs::File::create(folder.path().join("set.tar")).expect("writable");
    let mut tar = tar::Builder::new(file);
    for (name, bytes) in files {
        append(&mut tar, &format!("./top/{name}"), bytes);
    }
    tar.finish().expect("writable");
    folder
}

pub(super) fn append(tar: &mut tar::Builder<std::fs::File>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, bytes).expect("writable");
}

fn config(root: &Path) -> ImageFolder {
    ImageFolder {
        root: root.display().to_string(),
        size: 2,
        ..ImageFolder::default()
    }
}

pub(super) fn open(root: &Path) -> Result<Box<dyn Dataset>> {
    config(root).build(&DataContext::default())
}

pub(super) fn failure(result: Result<Box<dyn Dataset>>) -> String {
    match result {
        Ok(data) => panic!("must not open: {}", data.info().description),
        Err(error) => error.to_string(),
    }
}

/// Label and the colour of the first pixel of every image of a split.
fn colours(data: &dyn Dataset, split: Split) -> Vec<(u32, [u8; 3])> {
    let [channels, height, width] = data.info().shape;
    let mut pixels = vec![0; channels * height * width];
    (0..data.len(split))
        .map(|index| {
            let label = data.read(split, index, &mut pixels).expect("readable");
            (
                label,
                [0, 1, 2].map(|channel| pixels[channel * height * width]),
            )
        })
        .collect()
}

#[test]
fn folder_and_archive_hold_the_same_images() -> Result<()> {
    let mut files = two_classes(3);
    files.push((
        "classes.tsv".to_string(),
        b"dog\thound, dog\ncat\tpuss\n".to_vec(),
    ));
    for ignored in [
        "train/cat/.hidden.png",
        "train/cat/notes.txt",
        "train/.git/x.png",
        "train/x.png",
    ] {
        files.push((ignored.to_string(), b"no image".to_vec()));
    }
    files.push((
        "train/dog/deeper/9.jpeg".to_string(),
        png(4, 8, [100, 9, 0]),
    ));
    let (folder, archive) = (write_folder(&files), write_archive(&files));
    for root in [folder.path().to_path_buf(), archive.path().join("set.tar")] {
        let data = open(&root)?;
        assert_eq!(data.info().classes, ["puss", "hound, dog"]);
        assert_eq!(data.info().shape, [3, 2, 2]);
        let expected = [0, 1, 2].map(|number| (0, [200, number, 0]));
        let dogs = [0, 1, 2, 9].map(|number| (1, [100, number, 0]));
        assert_eq!(
            colours(data.as_ref(), Split::Train),
            [&expected[..], &dogs[..]].concat()
        );
        assert_eq!(
            colours(data.as_ref(), Split::Validation),
            [(0, [200, 250, 0]), (1, [100, 250, 0])]
        );
        let description = &data.info().description;
        assert!(
            description.contains("7 training images and 2 validation images"),
            "{description}"
        );
    }
    Ok(())
}

#[test]
fn without_val_every_class_gives_a_part_that_names_decide() -> Result<()> {
    let mut files = two_classes(10);
    files.retain(|(name, _)| name.starts_with("train"));
    let folder = write_folder(&files);
    let third = ImageFolder {
        validation_fraction: 0.3,
        ..config(folder.path())
    };
    let data = third.build(&DataContext::default())?;
    let validation = colours(data.as_ref(), Split::Validation);
    assert_eq!(
        validation
            .iter()
            .map(|(label, _)| *label)
            .collect::<Vec<_>>(),
        [0, 0, 0, 1, 1, 1]
    );
    let mut all = [colours(data.as_ref(), Split::Train), validation.clone()].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 20);

    // One image less: the others stay on their sides, but for the changed count.
    let (_, [_, number, _]) = colours(data.as_ref(), Split::Train)[0];
    std::fs::remove_file(folder.path().join(format!("train/cat/{number}.png"))).expect("there");
    let data = third.build(&DataContext::default())?;
    assert_eq!(colours(data.as_ref(), Split::Validation), validation);
    Ok(())
}

#[test]
fn holdout_and_limits_work_as_in_the_other_sets() -> Result<()> {
    let folder = write_folder(&two_classes(10));
    let config = ImageFolder {
        holdout: 4,
        train_limit: Some(6),
        ..config(folder.path())
    };
    let data = config.build(&DataContext::default())?;
    assert_eq!(
        (data.len(Split::Train), data.len(Split::Validation)),
        (6, 4)
    );
    let held = colours(data.as_ref(), Split::Validation);
    assert_eq!(
        held,
        [
            (0, [200, 8, 0]),
            (0, [200, 9, 0]),
            (1, [100, 8, 0]),
            (1, [100, 9, 0])
        ]
    );
    Ok(())
}

#[test]
fn class_folders_must_agree() {
    let mut files = two_classes(1);
    files.push(("train/emu/1.png".to_string(), png(2, 2, [0; 3])));
    files.retain(|(name, _)| !name.starts_with("train/dog"));
    let error = failure(open(write_folder(&files).path()));
    assert!(
        error.contains("`train` lacks `dog`; `val` lacks `emu`"),
        "{error}"
    );
    let error = failure(open(write_folder(&Files::new()).path()));
    assert!(error.contains("no images"), "{error}");
}

#[test]
fn a_corrupt_image_is_named() -> Result<()> {
    let mut files = two_classes(1);
    files[0].1.truncate(50);
    files[2].1 = b"not an image at all".to_vec();
    // Decoders paint what a JPEG lacks grey, and say nothing.
    let whole = jpeg(1);
    let cut = whole[..whole.len() - 2].to_vec();
    files.push(("train/dog/1.png".to_string(), cut));
    let archive = write_archive(&files);
    let data = open(&archive.path().join("set.tar"))?;
    for (index, part) in [
        (0, "set.tar/top/train/cat/0.png"),
        (1, "neither a JPEG nor a PNG"),
        (2, "the JPEG is cut off"),
    ] {
        let error = data
            .read(Split::Train, index, &mut [0; 12])
            .expect_err("it is corrupt");
        assert!(error.to_string().contains(part), "{error}");
    }
    Ok(())
}

/// A PNG of one pixel whose header announces others.
fn announcing(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1, [0; 3]);
    // Signature, length and `IHDR` take 16 bytes; the header's checksum covers
    // its name and its 13 bytes.
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    bytes
}

#[test]
fn an_image_of_enormous_size_is_refused_before_it_is_decoded() -> Result<()> {
    for (width, height) in [(20_000, 1), (1, 20_000), (15_000, 15_000)] {
        let mut files = two_classes(1);
        files[0].1 = announcing(width, height);
        let folder = write_folder(&files);
        let data = open(folder.path())?;
        let error = data
            .read(Split::Train, 0, &mut [0; 12])
            .expect_err("too large")
            .to_string();
        assert!(
            error.contains("train/cat/0.png") && error.contains("limit"),
            "{error}"
        );
    }
    Ok(())
}

/// A JPEG of one pixel whose frame announces a square of that side.
fn jpeg(side: u16) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::new(1, 1);
    let format = image::ImageFormat::Jpeg;
    image.write_to(&mut bytes, format).expect("memory");
    let mut bytes = bytes.into_inner();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let at = frame.expect("a frame") + 5;
    bytes[at..at + 2].copy_from_slice(&side.to_be_bytes());
    bytes[at + 2..at + 4].copy_from_slice(&side.to_be_bytes());
    bytes
}

#[test]
fn a_jpeg_that_announces_an_enormous_size_is_refused() -> Result<()> {
    let mut files = two_classes(1);
    files[0].1 = jpeg(u16::MAX);
    let folder = write_folder(&files);
    let data = open(folder.path())?;
    let error = data.read(Split::Train, 0, &mut [0; 12]).expect_err("large");
    let error = error.to_string();
    assert!(
        error.contains("train/cat/0.png") && error.contains("limit"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_file_too_large_to_be_an_image_is_not_read() -> Result<()> {
    let folder = write_folder(&two_classes(1));
    let path = folder.path().join("train/cat/0.png");
    let file = std::fs::File::create(&path).expect("writable");
    file.set_len(65 << 20).expect("a sparse file");
    let error = open(folder.path())?
        .read(Split::Train, 0, &mut [0; 12])
        .expect_err("too large");
    assert!(error.to_string().contains("bytes; at most"), "{error}");
    Ok(())
}

#[test]
fn impossible_configs_name_their_key() {
    let base = || ImageFolder {
        root: "/nonexistent".to_string(),
        ..ImageFolder::default()
    };
    for (key, config) in [
        ("root", ImageFolder::default()),
        ("size", ImageFolder { size: 0, ..base() }),
        (
            "validation_fraction",
            ImageFolder {
                validation_fraction: 1.0,
                ..base()
            },
        ),
    ] {
        let error = failure(config.build(&DataContext::default()));
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
    assert!(failure(base().build(&DataContext::default())).contains("\n    /nonexistent"));
}

fn shared(name: &str) -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let cx = DataContext { roots: vec![usual] };
    let found = locate::places(name, &cx)
        .into_iter()
        .find(|place| place.exists());
    if found.is_none() {
        println!("skipped: {name} is not here");
    }
    found
}

#[test]
fn tiny_imagenet_is_read_from_its_archive_by_several_threads() -> Result<()> {
    let Some(root) = shared("tiny-imagenet-20.tar") else {
        return Ok(());
    };
    let config = ImageFolder {
        size: 64,
        ..config(&root)
    };
    let data = config.build(&DataContext::default())?;
    assert_eq!(
        (data.len(Split::Train), data.len(Split::Validation)),
        (10_000, 1000)
    );
    assert!(data.info().classes.contains(&"pomegranate".to_string()));
    let read = |index: usize| -> Result<(u32, Vec<u8>)> {
        let mut pixels = vec![0; 3 * 64 * 64];
        Ok((data.read(Split::Train, index, &mut pixels)?, pixels))
    };
    let parallel: Vec<_> = (0..10_000)
        .into_par_iter()
        .step_by(7)
        .map(read)
        .collect::<Result<_>>()?;
    for (position, index) in (0..10_000).step_by(7).enumerate() {
        assert_eq!(parallel[position].0 as usize, index / 500);
    }
    // From the cache now, and the same.
    assert_eq!(read(700)?, parallel[100]);
    Ok(())
}

#[test]
fn photographs_of_any_shape_become_squares() -> Result<()> {
    let Some(root) = shared("imagenet-sample.tar") else {
        return Ok(());
    };
    let photographs = archive::list(&root)?;
    assert!(photographs.len() > 50);
    let mut pixels = vec![0; 3 * 256 * 256];
    for photograph in photographs.iter().take(12) {
        crate::prepare::prepare(&photograph.bytes()?, 256, &mut pixels).expect("a photograph");
        let darkest = pixels.iter().min();
        assert!(
            darkest < pixels.iter().max(),
            "{} is blank",
            photograph.name
        );
    }
    Ok(())
}
