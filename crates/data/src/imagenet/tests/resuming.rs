//! Interrupted, resumed and damaged sets.

use super::*;
use crate::shards::MANIFEST;

#[test]
fn threads_and_interruptions_change_no_byte() -> Result<()> {
    let official = Official::new(&train(80), 9);
    for raw in [false, true] {
        let wanted = |threads, into: &str| Preparation {
            raw,
            threads: Some(threads),
            ..official.wanted(&format!("{into}-{raw}"))
        };
        let one = wanted(1, "one");
        prepare(&one)?;
        let whole = files(&one.into);
        assert_eq!(whole.len(), 6 + 4, "{:?}", whole.keys());
        let four = wanted(4, "four");
        prepare(&four)?;
        assert_eq!(files(&four.into), whole);

        // Validation images come later, and a shard and a half were lost.
        let later = Preparation {
            validation: None,
            ..wanted(2, "later")
        };
        prepare(&later)?;
        let error = failure(open(&later.into));
        assert!(error.contains("no validation images"), "{error}");
        let shard = later.into.join("train-n00000001.shard");
        let half = std::fs::read(&shard).expect("there");
        std::fs::write(&shard, &half[..half.len() / 2]).expect("writable");
        std::fs::remove_file(later.into.join("train-n00000002.shard")).expect("there");
        std::fs::write(later.into.join("train-n00000003.shard.partial"), b"half")
            .expect("writable");
        prepare(&wanted(2, "later"))?;
        let mut found = files(&later.into);
        found.remove("train-n00000003.shard.partial");
        assert_eq!(found, whole);

        // Nothing is left to do.
        let mut calls = 0;
        prepare_imagenet(&wanted(2, "later"), &mut |_| calls += 1)?;
        assert_eq!(calls, 0);
    }
    Ok(())
}

#[test]
fn damaged_statistics_are_refused_and_made_again() -> Result<()> {
    let official = Official::new(&train(3), 4);
    let wanted = official.wanted("set");
    prepare(&wanted)?;
    let path = wanted.into.join("statistics.safetensors");
    let sound = std::fs::read(&path).expect("there");
    let tensors = safetensors::SafeTensors::deserialize(&sound).expect("sound");
    let start = sound.as_ptr() as usize;
    for name in ["images", "sums", "products", "mean", "covariance"] {
        let view = tensors.tensor(name).expect("there");
        let at = view.data().as_ptr() as usize - start;
        // The lowest bit of the first number, and one of its highest.
        for (byte, bit) in [(0, 1), (7, 0x40)] {
            let mut damaged = sound.clone();
            damaged[at + byte] ^= bit;
            std::fs::write(&path, damaged).expect("writable");
            let error = failure(open(&wanted.into)?.training_moments());
            assert!(
                error.contains("statistics.safetensors") && error.contains("`data prepare`"),
                "{name}: {error}"
            );
        }
    }
    std::fs::remove_file(&path).expect("there");
    prepare(&wanted)?;
    assert_eq!(std::fs::read(&path).expect("there"), sound);
    assert!(open(&wanted.into)?.training_moments()?.is_some());
    Ok(())
}

#[test]
fn half_a_validation_split_is_not_declared_whole() -> Result<()> {
    let official = Official::new(&train(3), 9);
    let wanted = official.wanted("set");
    prepare(&wanted)?;
    let whole = files(&wanted.into);
    // As it was when the second of three shards was being made.
    let path = wanted.into.join(MANIFEST);
    let text = std::fs::read(&path).expect("there");
    let mut manifest: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    manifest["complete"] = false.into();
    let shards = manifest["shards"].as_object_mut().expect("a table");
    for name in ["val-00001.shard", "val-00002.shard"] {
        assert!(shards.remove(name).is_some(), "{name}");
        std::fs::remove_file(wanted.into.join(name)).expect("there");
    }
    std::fs::write(&path, manifest.to_string()).expect("writable");
    let without = Preparation {
        validation: None,
        ..official.wanted("set")
    };
    let error = failure(prepare(&without));
    assert!(
        error.contains("validation images") && error.contains("`--val-tar`"),
        "{error}"
    );
    assert!(failure(open(&wanted.into)).contains("the set is not whole"));
    prepare(&wanted)?;
    assert_eq!(files(&wanted.into), whole);
    // Of a whole set they need not be named.
    prepare(&without)?;
    assert_eq!(files(&wanted.into), whole);
    Ok(())
}

#[test]
fn a_damaged_shard_is_refused_by_name_and_made_again() -> Result<()> {
    let official = Official::new(&train(3), 4);
    let wanted = official.wanted("set");
    prepare(&wanted)?;
    let whole = files(&wanted.into);
    let path = wanted.into.join("train-n00000001.shard");
    let sound = &whole["train-n00000001.shard"];
    let index = u64::from_le_bytes(sound[32..40].try_into().expect("eight bytes")) as usize;
    // In the header, in the index: refused when the set is opened.
    for (at, says) in [
        (20, "the header is damaged"),
        (index + 3, "the index is damaged"),
    ] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, damaged).expect("writable");
        let error = failure(open(&wanted.into));
        assert!(
            error.contains("train-n00000001.shard") && error.contains(says),
            "{error}"
        );
    }
    // In an image: refused when it is read, and no other is.
    let mut damaged = sound.clone();
    damaged[70] ^= 1;
    std::fs::write(&path, damaged).expect("writable");
    let data = open(&wanted.into)?;
    let mut pixels = vec![0; 3 * 16 * 16];
    let error = failure(data.read(Split::Train, 0, &mut pixels));
    assert!(
        error.contains("train-n00000001.shard: image 0: damaged") && error.contains("fix:"),
        "{error}"
    );
    data.read(Split::Train, 1, &mut pixels)?;
    // Of a size that has the shard's in its last 32 bits, or of none.
    let manifest = wanted.into.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("there");
    for size in [(1_u64 << 32) + 16, 0, u64::MAX] {
        let hostile = text.replace("\"size\": 16", &format!("\"size\": {size}"));
        assert_ne!(hostile, text);
        std::fs::write(&manifest, hostile).expect("writable");
        let error = failure(open(&wanted.into));
        assert!(
            error.contains("manifest.json") && error.contains("pixels"),
            "{error}"
        );
    }
    std::fs::write(&manifest, text).expect("writable");
    // Cut off, or gone.
    std::fs::write(&path, &sound[..sound.len() - 1]).expect("writable");
    assert!(failure(open(&wanted.into)).contains("bytes where"));
    std::fs::remove_file(&path).expect("there");
    assert!(failure(open(&wanted.into)).contains("train-n00000001.shard"));
    prepare(&wanted)?;
    assert_eq!(files(&wanted.into), whole);

    // In the moments: refused when they are added up.
    let mut damaged = sound.clone();
    let at = damaged.len() - 9;
    damaged[at] ^= 1;
    std::fs::write(&path, damaged).expect("writable");
    std::fs::remove_file(wanted.into.join("statistics.safetensors")).expect("there");
    let error = failure(prepare(&wanted));
    assert!(
        error.contains("train-n00000001.shard") && error.contains("the moments are damaged"),
        "{error}"
    );
    assert!(failure(open(&wanted.into)).contains("the set is not whole"));
    Ok(())
}
