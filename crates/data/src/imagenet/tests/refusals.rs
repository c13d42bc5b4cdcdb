//! What is refused, and what is left out.

use std::fs::TryLockError;

use super::*;

#[test]
fn a_folder_of_another_set_is_left_alone() -> Result<()> {
    let official = Official::new(&train(2), 4);
    let wanted = official.wanted("set");
    prepare(&wanted)?;
    let before = files(&wanted.into);
    let refused = |other: &Preparation, says: &str| {
        let error = failure(prepare(other));
        assert!(error.contains(says) && error.contains("--into"), "{error}");
        assert_eq!(files(&wanted.into), before);
    };
    let base = || official.wanted("set");
    refused(
        &Preparation {
            raw: true,
            ..base()
        },
        "`--raw`",
    );
    refused(&Preparation { size: 8, ..base() }, "`--size`");
    std::fs::write(official.path("labels.txt"), "n00000001\n".repeat(4)).expect("writable");
    refused(&base(), "list of labels");
    let other = Official::new(&train(3), 4);
    let train = other.path("train.tar");
    refused(&Preparation { train, ..base() }, "another training archive");

    let held = resume::lock(&wanted.into)?;
    refused(&base(), "another preparation");
    drop(held);
    Ok(())
}

#[test]
fn a_file_system_without_locks_is_no_other_preparation() {
    let none = std::io::Error::from(std::io::ErrorKind::Unsupported);
    let error = resume::not_locked(Path::new("set"), TryLockError::Error(none)).to_string();
    assert!(error.contains("cannot be locked"), "{error}");
    assert!(!error.contains("wait"), "{error}");
}

#[test]
fn shards_of_no_images_are_refused() {
    let official = Official::new(&train(1), 1);
    let none = Preparation {
        validation_shard: 0,
        ..official.wanted("set")
    };
    let error = failure(prepare(&none));
    assert!(error.contains("`validation_shard`"), "{error}");
    assert!(!none.into.exists());
}

#[test]
fn archives_that_are_not_imagenets_are_told_what_is_wanted() {
    let refused = |train: &BTreeMap<&'static str, Members>, change: &dyn Fn(&Official)| {
        let official = Official::new(train, 4);
        change(&official);
        failure(prepare(&official.wanted("set")))
    };
    let write = |official: &Official, name: &str, bytes: &[u8]| {
        std::fs::write(official.path(name), bytes).expect("writable");
    };
    let nothing = |_: &Official| ();

    let mut hostile = train(1);
    hostile.insert("n00000001", vec![("../out.JPEG".to_string(), jpeg(1))]);
    let error = refused(&hostile, &nothing);
    assert!(
        error.contains("train.tar/n00000001.tar") && error.contains("`../out.JPEG` leads out"),
        "{error}"
    );
    let mut twice = train(1);
    twice.insert("n00000001", vec![("a".to_string(), jpeg(1)); 2]);
    assert!(refused(&twice, &nothing).contains("`a` is in it twice"));
    let outer = |name: &str| tar(&vec![(name.to_string(), tar(&Members::new()))]);
    for (name, says) in [
        ("../n00000001.tar", "leads out of the archive"),
        ("cats.tar", "`cats.tar` is no class's archive"),
        ("n0000000x.tar", "`n0000000x.tar` is no class's archive"),
    ] {
        let error = refused(&train(1), &|official| {
            write(official, "train.tar", &outer(name))
        });
        assert!(error.contains(says), "{error}");
    }
    // Cut off: the outer archive, and one within it.
    let error = refused(&train(1), &|official| {
        let bytes = std::fs::read(official.path("train.tar")).expect("there");
        write(official, "train.tar", &bytes[..bytes.len() - 2000]);
    });
    assert!(error.contains("cut off"), "{error}");
    assert!(error.contains("download the archive again"), "{error}");
    let error = refused(&train(1), &|official| {
        let inner = tar(&vec![("a.JPEG".to_string(), jpeg(1))]);
        let cut = inner[..inner.len() - 1024].to_vec();
        let outer = CLASSES.map(|class| (format!("{class}.tar"), cut.clone()));
        write(official, "train.tar", &tar(&outer.to_vec()));
    });
    assert!(
        error.contains("n00000001.tar") && error.contains("cut off"),
        "{error}"
    );
    let error = refused(&train(1), &|official| {
        write(official, "labels.txt", b"490\n")
    });
    assert!(
        error.contains("labels.txt") && error.contains("`490` is a class number"),
        "{error}"
    );
    let error = refused(&train(1), &|official| {
        write(official, "labels.txt", "n00000001\n".repeat(3).as_bytes());
    });
    assert!(error.contains("no label for the image `ILSVRC2012_val_00000004.JPEG`"));
    let error = refused(&train(1), &|official| {
        write(official, "labels.txt", "n00000001\n".repeat(5).as_bytes());
    });
    assert!(error.contains("5 labels, but 4 images"), "{error}");
}

#[test]
fn a_giant_is_left_out_and_the_rest_is_kept() -> Result<()> {
    let mut classes = train(2);
    // A PNG of one pixel that announces 20,000 x 20,000 with a sound checksum.
    let mut giant = encoded(RgbImage::new(1, 1), ImageFormat::Png);
    giant[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
    giant[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&giant[12..29]);
    giant[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    let class = classes.get_mut("n00000001").expect("there");
    class.insert(0, ("giant.JPEG".to_string(), giant));
    let official = Official::new(&classes, 1);
    let prepared = prepare(&official.wanted("set"))?;
    assert_eq!((prepared.train, prepared.skipped), (2 + 6 + 2, 4));
    let report = std::fs::read_to_string(&prepared.report).expect("a report");
    let line = report.lines().find(|line| line.contains("giant.JPEG"));
    assert!(line.is_some_and(|line| line.contains("limit")), "{report}");
    Ok(())
}
