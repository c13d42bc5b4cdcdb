//! Outputs there and back, and every sort of damage.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::Result;

fn contents() -> Contents {
    Contents {
        classes: ["cat", "dog"].map(String::from).to_vec(),
        predictions: Predictions {
            log_probabilities: vec![-0.1, -2.35, -1.6, -0.22, -0.7, -0.69],
            targets: vec![0, 1, 1],
        },
        samples: Samples {
            shape: [3, 1, 2],
            pixels: (0..12).collect(),
            index: vec![0, 2],
            features: Some(vec![0.5, -1.0, 0.0, 3.0, 4.0, 5.0]),
        },
        filters: Some(Filters {
            shape: [2, 3, 1, 1],
            weights: vec![1.0, 1.0, 1.0, 1.0, -1.0, 0.0],
            towers: 2,
        }),
        retrieval: Some(Retrieval {
            nearest: vec![1, 0, 1, 2],
            index: vec![17, 40, 41],
            targets: vec![1, 0, 1],
            pixels: (100..118).collect(),
            shares: Shares {
                found: 2,
                queries: 2,
                gallery: 50,
                features: 0.75,
                pixels: 0.1,
                chance: 1.0 / 3.0,
            },
        }),
    }
}

fn stored(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(FILE);
    fs::write(&path, bytes).expect("written");
    (folder, path)
}

fn bytes(contents: &Contents) -> Vec<u8> {
    contents
        .to_bytes(std::path::Path::new(FILE))
        .expect("packed")
}

#[test]
fn what_is_written_is_read() -> Result<()> {
    let contents = contents();
    let (_folder, path) = stored(&bytes(&contents));
    let outputs = Outputs::open(&path)?.expect("a file");
    assert_eq!(outputs.classes(), contents.classes);
    assert_eq!(outputs.predictions()?, contents.predictions);
    assert_eq!(outputs.samples()?, contents.samples);
    assert_eq!(outputs.filters(), contents.filters.as_ref());
    assert_eq!(outputs.retrieval()?, contents.retrieval);
    assert_eq!(bytes(&contents), bytes(&contents.clone()));
    Ok(())
}

#[test]
fn a_model_without_features_or_filters_and_no_samples_will_do() -> Result<()> {
    let mut contents = contents();
    contents.samples = Samples {
        pixels: Vec::new(),
        index: Vec::new(),
        features: None,
        ..contents.samples
    };
    contents.filters = None;
    contents.retrieval = None;
    let (_folder, path) = stored(&bytes(&contents));
    let outputs = Outputs::open(&path)?.expect("a file");
    assert_eq!(outputs.samples()?, contents.samples);
    assert_eq!(outputs.filters(), None);
    assert_eq!(outputs.retrieval()?, None);
    Ok(())
}

#[test]
fn an_absent_file_is_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let opened = Outputs::open(&folder.path().join(FILE));
    assert!(matches!(opened, Ok(None)));
}

/// A bit flipped in every byte that counts, and the file cut off at many places:
/// something must notice, name the file and not panic.
#[test]
fn any_damage_is_noticed_and_named() {
    let good = bytes(&contents());
    let (_folder, path) = stored(&good);
    let read_all = |bytes: &[u8]| -> Result<()> {
        fs::write(&path, bytes).expect("written");
        let outputs = Outputs::open(&path)?.expect("a file");
        outputs.predictions()?;
        outputs.samples()?;
        outputs.retrieval()?;
        Ok(())
    };
    read_all(&good).expect("undamaged");
    let header = 8 + u64::from_le_bytes(good[..8].try_into().expect("eight bytes")) as usize;
    for at in (0..8).chain(header..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let error = read_all(&bad).expect_err("damaged").to_string();
        assert!(
            error.contains(FILE) && error.contains("fix:"),
            "{at}: {error}"
        );
    }
    for length in (0..good.len()).step_by(17) {
        let error = read_all(&good[..length]).expect_err("cut off").to_string();
        assert!(error.contains(FILE), "{length}: {error}");
    }
    // A flipped byte of the header may only rename a class.
    for at in (8..header).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let _ = read_all(&bad);
    }
}

#[test]
fn a_label_without_a_class_is_refused() {
    let mut contents = contents();
    contents.predictions.targets[1] = 2;
    let (_folder, path) = stored(&bytes(&contents));
    let outputs = Outputs::open(&path).expect("opened").expect("a file");
    let error = outputs.predictions().expect_err("refused").to_string();
    assert!(error.contains("there is no class 2"), "{error}");
}

#[test]
fn a_sample_that_is_no_image_is_refused() {
    let mut contents = contents();
    contents.samples.index[1] = 3;
    let (_folder, path) = stored(&bytes(&contents));
    let outputs = Outputs::open(&path).expect("opened").expect("a file");
    let error = outputs.samples().expect_err("refused").to_string();
    assert!(error.contains("there is no image 3"), "{error}");
}

#[test]
fn a_found_image_that_is_not_there_is_refused() {
    let changes: [fn(&mut Retrieval); 2] = [
        |retrieval| retrieval.nearest[3] = 3,
        |retrieval| retrieval.targets[0] = 2,
    ];
    for change in changes {
        let mut contents = contents();
        change(contents.retrieval.as_mut().expect("a retrieval"));
        let (_folder, path) = stored(&bytes(&contents));
        let outputs = Outputs::open(&path).expect("opened").expect("a file");
        let error = outputs.retrieval().expect_err("refused").to_string();
        assert!(error.contains("a found image or a class"), "{error}");
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused_when_packing() {
    let mut contents = contents();
    contents.predictions.targets.pop();
    let packed = contents.to_bytes(std::path::Path::new(FILE));
    assert!(packed.is_err());
}
