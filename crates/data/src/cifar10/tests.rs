//! Small sets in the official layout, and the real one where it is present.

use ablate_core::Error;
use tempfile::TempDir;

use super::batch::{PIXELS, RECORD};
use super::*;

/// Records a batch of the small sets.
const RECORDS: usize = 20;

/// A folder of batches whose image `i` of batch `b` is filled with `10 * b + i % 10`
/// and has the label `i % 10`.
fn small() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, (name, _)) in OFFICIAL.iter().enumerate() {
        let mut bytes = Vec::new();
        for record in 0..RECORDS {
            bytes.push((record % 10) as u8);
            bytes.extend([(10 * number + record % 10) as u8; PIXELS]);
        }
        std::fs::write(folder.path().join(name), bytes).expect("a batch is written");
    }
    folder
}

fn failure(folder: &TempDir) -> String {
    match Images::open(&Cifar10::default(), folder.path(), RECORDS) {
        Ok(_) => panic!("the set must not open"),
        Err(error) => error.to_string(),
    }
}

fn read(data: &Images, split: Split, index: usize) -> Result<(u32, u8)> {
    let mut pixels = [0; PIXELS];
    let label = data.read(split, index, &mut pixels)?;
    assert!(pixels.iter().all(|&pixel| pixel == pixels[0]));
    Ok((label, pixels[0]))
}

#[test]
fn images_come_in_the_order_of_the_batches() -> Result<()> {
    let folder = small();
    let data = Images::open(&Cifar10::default(), folder.path(), RECORDS)?;
    assert_eq!(
        (data.len(Split::Train), data.len(Split::Validation)),
        (100, 20)
    );
    assert_eq!(read(&data, Split::Train, 0)?, (0, 0));
    assert_eq!(read(&data, Split::Train, 47)?, (7, 27));
    assert_eq!(read(&data, Split::Validation, 13)?, (3, 53));
    assert!(read(&data, Split::Validation, 20).is_err());
    assert!(data.read(Split::Train, 0, &mut [0; 7]).is_err());
    Ok(())
}

#[test]
fn held_out_images_replace_the_test_batch_which_is_not_read() -> Result<()> {
    let folder = small();
    std::fs::remove_file(folder.path().join("test_batch.bin")).expect("there is a test batch");
    let config = Cifar10 {
        holdout: 10,
        train_limit: Some(30),
        ..Cifar10::default()
    };
    let data = Images::open(&config, folder.path(), RECORDS)?;
    assert_eq!(
        (data.len(Split::Train), data.len(Split::Validation)),
        (30, 10)
    );
    let mut held: Vec<_> = (0..10)
        .map(|index| read(&data, Split::Validation, index))
        .collect::<Result<_>>()?;
    held.sort_unstable();
    assert_eq!(
        held,
        (0..10)
            .map(|label| (label, 40 + label as u8))
            .collect::<Vec<_>>()
    );
    let description = &data.info().description;
    for part in [
        "not the official files (5 of 5",
        "30 of 90 training",
        "10 held-out training images",
    ] {
        assert!(description.contains(part), "{description}");
    }
    Ok(())
}

#[test]
fn impossible_numbers_name_their_key() {
    let folder = small();
    for (key, config) in [
        (
            "holdout",
            Cifar10 {
                holdout: 100,
                ..Cifar10::default()
            },
        ),
        (
            "train_limit",
            Cifar10 {
                train_limit: Some(0),
                ..Cifar10::default()
            },
        ),
        (
            "validation_limit",
            Cifar10 {
                validation_limit: Some(0),
                ..Cifar10::default()
            },
        ),
    ] {
        match Images::open(&config, folder.path(), RECORDS) {
            Err(Error::BadValue { key: named, .. }) => assert_eq!(named, key),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{key} was accepted"),
        }
    }
}

#[test]
fn damaged_batches_are_refused_by_name() {
    let folder = small();
    let path = folder.path().join("data_batch_3.bin");
    let mut bytes = std::fs::read(&path).expect("a batch");

    bytes[4 * RECORD] = 10;
    std::fs::write(&path, &bytes).expect("a batch is written");
    let error = failure(&folder);
    assert!(
        error.contains("data_batch_3.bin: record 4 has the label 10"),
        "{error}"
    );

    std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("a batch is written");
    let error = failure(&folder);
    assert!(
        error.contains("61460 bytes expected (20 records of 3073), 61459 found"),
        "{error}"
    );

    std::fs::remove_file(&path).expect("a batch");
    let error = failure(&folder);
    assert!(
        error.contains("data_batch_3.bin: this batch is missing") && error.contains("fix: "),
        "{error}"
    );
}

#[test]
fn the_folder_is_found_from_itself_and_from_above() -> Result<()> {
    let above = tempfile::tempdir().expect("a temporary folder");
    let itself = above.path().join(FOLDER);
    std::fs::create_dir(&itself).expect("a folder is made");
    let error = find(&[above.path().to_path_buf()])
        .expect_err("the folder is empty")
        .to_string();
    assert!(
        error.contains(&above.path().display().to_string()),
        "{error}"
    );
    assert!(error.contains("cargo xtask data fetch cifar10"), "{error}");
    std::fs::write(itself.join("data_batch_1.bin"), []).expect("a batch is written");
    for place in [above.path(), &itself] {
        assert_eq!(
            find(&[PathBuf::from("/nonexistent"), place.to_path_buf()])?,
            itself
        );
    }
    Ok(())
}

#[test]
fn the_real_set_is_balanced_and_described_honestly() -> Result<()> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let cx = DataContext { roots: vec![usual] };
    let config = Cifar10::default();
    if let Err(error) = find(&locate::places(&config.root, &cx)) {
        println!("skipped: {error}");
        return Ok(());
    }
    let data = config.build(&cx)?;
    let mut counts = [[0; 10]; 2];
    let mut pixels = [0; PIXELS];
    for (split, counts) in [Split::Train, Split::Validation]
        .into_iter()
        .zip(&mut counts)
    {
        for index in 0..data.len(split) {
            counts[data.read(split, index, &mut pixels)? as usize] += 1;
        }
    }
    assert_eq!(counts, [[5000; 10], [1000; 10]]);
    let description = &data.info().description;
    let official = description.starts_with("CIFAR-10, the official files");
    let layout = description.contains("not the official files (6 of 6 batches");
    assert!(official || layout, "{description}");
    Ok(())
}
