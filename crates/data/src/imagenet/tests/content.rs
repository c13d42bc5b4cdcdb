//! What is read back: pixels, labels and statistics.

use super::*;

#[test]
fn pixels_labels_and_order_are_those_of_the_archives() -> Result<()> {
    let (classes, count) = (train(5), 9);
    let official = Official::new(&classes, count);
    let wanted = Preparation {
        raw: true,
        ..official.wanted("raw")
    };
    let prepared = prepare(&wanted)?;
    assert_eq!(
        (prepared.train, prepared.validation, prepared.skipped),
        (19, 9, 3)
    );
    assert_eq!(prepared.shards, 3 + 3);
    let data = open(&wanted.into)?;
    assert_eq!(data.info().classes, ["n00000001", "n00000002", "n00000003"]);
    let expected = |label: u32, bytes: &[u8]| {
        let mut pixels = vec![0; 3 * 16 * 16];
        crate::prepare::prepare(bytes, 16, &mut pixels).expect("a good image");
        (label, pixels)
    };
    let bad = ["cut.JPEG", "text.JPEG", "empty.JPEG"];
    let of_class = |(members, label): (&Members, u32)| {
        let good = members.iter().filter(|(name, _)| !bad.contains(&&**name));
        good.map(|(_, bytes)| expected(label, bytes))
            .collect::<Vec<_>>()
    };
    let training: Vec<_> = classes.values().zip(0..).flat_map(of_class).collect();
    assert_eq!(images(data.as_ref(), Split::Train), training);
    // In order of the ids the classes are 2, 0 and 1.
    let label = |number: u32| [2, 0, 1][number as usize % 3];
    let validation: Vec<_> = (1..=count)
        .map(|number| expected(label(number), &jpeg(100 + number)))
        .collect();
    assert_eq!(images(data.as_ref(), Split::Validation), validation);
    let description = &data.info().description;
    assert!(
        description.contains("3 unreadable images left out")
            && description.contains("train.tar and val.tar")
            && description.contains("as pixels"),
        "{description}"
    );
    let report = std::fs::read_to_string(&prepared.report).expect("a report");
    for line in [
        "train.tar/n00000002.tar/cut.JPEG\tthe JPEG is cut off\n",
        "train.tar/n00000002.tar/text.JPEG\tneither a JPEG nor a PNG\n",
        "train.tar/n00000002.tar/empty.JPEG\tit is empty\n",
    ] {
        assert!(report.contains(line), "{report}");
    }
    Ok(())
}

#[test]
fn grey_cmyk_and_mislabelled_images_are_stored_close_to_what_they_are_as_jpeg() -> Result<()> {
    let official = Official::new(&train(1), 1);
    let (exact, packed) = (
        Preparation {
            raw: true,
            ..official.wanted("raw")
        },
        official.wanted("jpeg"),
    );
    prepare(&exact)?;
    prepare(&packed)?;
    let (exact, packed) = (open(&exact.into)?, open(&packed.into)?);
    assert!(packed.info().description.contains("as JPEG of quality 95"));
    for split in [Split::Train, Split::Validation] {
        let pairs = images(exact.as_ref(), split);
        let pairs = pairs.iter().zip(images(packed.as_ref(), split));
        for ((label, exact), (found, packed)) in pairs {
            assert_eq!(*label, found);
            let differences = exact.iter().zip(&packed).map(|(a, b)| a.abs_diff(*b));
            let sum: u32 = differences.map(u32::from).sum();
            let mean = f64::from(sum) / exact.len() as f64;
            assert!(mean < 3.0, "{mean} levels");
        }
    }
    Ok(())
}

#[test]
fn statistics_are_those_of_the_pixels_that_training_reads() -> Result<()> {
    let official = Official::new(&train(4), 2);
    let wanted = official.wanted("jpeg");
    prepare(&wanted)?;
    let data = open(&wanted.into)?;
    let training = images(data.as_ref(), Split::Train);
    let mut naive = Moments::empty([3, 16, 16]);
    training.iter().for_each(|(_, pixels)| naive.add(pixels));
    assert_eq!(data.training_moments()?, Some(naive));

    // The floats, as another program would find them, against sums of floats.
    let bytes = std::fs::read(wanted.into.join("statistics.safetensors")).expect("there");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let floats = |name: &str| -> Vec<f64> {
        let view = file.tensor(name).expect("a tensor");
        let numbers = view.data().chunks_exact(8);
        numbers
            .map(|number| f64::from_le_bytes(number.try_into().expect("eight bytes")))
            .collect()
    };
    let count = training.len() as f64;
    for (place, mean) in floats("mean").iter().enumerate() {
        let sum: f64 = training.iter().map(|(_, p)| f64::from(p[place])).sum();
        assert!((mean - sum / count).abs() < 1e-9);
    }
    let mean = |f: &dyn Fn(&[u8], usize) -> f64| {
        let all = training.iter();
        let sum: f64 = all
            .flat_map(|(_, pixels)| (0..256).map(|at| f(pixels, at)))
            .sum();
        sum / (count * 256.0)
    };
    let value = |pixels: &[u8], channel: usize, at: usize| f64::from(pixels[256 * channel + at]);
    let means = [0, 1, 2].map(|channel| mean(&|pixels, at| value(pixels, channel, at)));
    for (at, covariance) in floats("covariance").iter().enumerate() {
        let (a, b) = (at / 3, at % 3);
        let expected = mean(&|pixels, at| {
            (value(pixels, a, at) - means[a]) * (value(pixels, b, at) - means[b])
        });
        assert!((covariance - expected).abs() < 1e-6, "{covariance}");
    }
    // Of a part of the images there are none.
    for keys in [
        Shards {
            holdout: 3,
            ..Shards::default()
        },
        Shards {
            train_limit: Some(5),
            ..Shards::default()
        },
    ] {
        assert_eq!(open_with(&wanted.into, keys)?.training_moments()?, None);
    }
    Ok(())
}

#[test]
fn photographs_keep_what_image_folders_see() -> Result<()> {
    let name = "tiny-imagenet-20.tar";
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let cx = DataContext { roots: vec![usual] };
    let places = crate::locate::places(name, &cx);
    let Some(root) = places.into_iter().find(|place| place.exists()) else {
        println!("skipped: {name} is not here");
        return Ok(());
    };
    // Two classes of the archive, packed as the official ones are.
    let mut classes: BTreeMap<String, Members> = BTreeMap::new();
    crate::tarball::walk(&root, |member, reader| {
        let parts: Vec<&str> = member.name.split('/').collect();
        if let [_, "train", class @ ("n01774750" | "n01984695"), file] = parts[..] {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).expect("readable");
            let class = classes.entry(class.to_string()).or_default();
            class.push((file.to_string(), bytes));
        }
        Ok(())
    })?;
    assert!(!classes.is_empty(), "the archive has other classes");
    classes.values_mut().for_each(|members| members.sort());
    let outer = classes
        .iter()
        .map(|(class, m)| (format!("{class}.tar"), tar(m)));
    let official = Official::new(&train(1), 1);
    std::fs::write(official.path("train.tar"), tar(&outer.collect())).expect("writable");
    let wanted = Preparation {
        raw: true,
        size: 64,
        validation: None,
        ..official.wanted("set")
    };
    assert_eq!(prepare(&wanted)?.skipped, 0);
    let holdout = 2;
    let data = open_with(
        &wanted.into,
        Shards {
            holdout,
            ..Shards::default()
        },
    )?;
    let found = images(data.as_ref(), Split::Train);
    let mut members = classes.values().zip(0..).flat_map(|(members, label)| {
        // The last of each class is held out.
        let kept = &members[..members.len() - holdout / classes.len()];
        kept.iter().map(move |(_, bytes)| (label, bytes))
    });
    for (label, pixels) in &found {
        let (expected, bytes) = members.next().expect("as many");
        let mut exact = vec![0; 3 * 64 * 64];
        crate::prepare::prepare(bytes, 64, &mut exact).expect("a photograph");
        assert_eq!(*label, expected);
        assert!(*pixels == exact);
    }
    assert!(members.next().is_none() && found.len() > 400);
    Ok(())
}
