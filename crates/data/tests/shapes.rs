//! The built-in set through its plugin: fixed bits, balanced, and not easy.

use ablate_core::{DataContext, Dataset, Result, Split, registry};
use ablate_data as _;
use serde_json::{Value, json};

fn open(config: &Value) -> Result<Box<dyn Dataset>> {
    registry::dataset("shapes", config, &DataContext::default())
}

fn read(data: &dyn Dataset, split: Split, index: usize) -> (u32, Vec<u8>) {
    let mut pixels = vec![0; data.info().shape.iter().product()];
    let label = data
        .read(split, index, &mut pixels)
        .expect("a painted image");
    (label, pixels)
}

/// FNV-1a over the first `count` training images.
fn fingerprint(data: &dyn Dataset, count: usize) -> u64 {
    (0..count)
        .flat_map(|index| read(data, Split::Train, index).1)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[test]
fn the_pixels_are_these_and_no_others() -> Result<()> {
    // A change here makes every stored result on `shapes` incomparable.
    assert_eq!(
        fingerprint(open(&json!({}))?.as_ref(), 200),
        0xb09a_3848_6ae5_b1fd
    );
    Ok(())
}

#[test]
fn images_depend_on_seed_split_and_index_alone() -> Result<()> {
    let (small, large) = (
        open(&json!({ "train": 50 }))?,
        open(&json!({ "train": 9000 }))?,
    );
    assert_eq!(
        fingerprint(small.as_ref(), 50),
        fingerprint(large.as_ref(), 50)
    );
    let other = open(&json!({ "seed": 1, "train": 50 }))?;
    assert_ne!(
        fingerprint(small.as_ref(), 50),
        fingerprint(other.as_ref(), 50)
    );
    assert_ne!(
        read(small.as_ref(), Split::Train, 3),
        read(small.as_ref(), Split::Validation, 3)
    );

    let backwards: Vec<_> = std::thread::scope(|scope| {
        let reads: Vec<_> = (0..50)
            .rev()
            .map(|index| (index, &large))
            .map(|(index, data)| {
                scope.spawn(move || (index, read(data.as_ref(), Split::Train, index)))
            })
            .collect();
        reads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    for (index, image) in backwards {
        assert_eq!(image, read(small.as_ref(), Split::Train, index));
    }
    Ok(())
}

#[test]
fn a_holdout_is_the_end_of_the_training_images() -> Result<()> {
    let (whole, held) = (
        open(&json!({ "train": 40 }))?,
        open(&json!({ "train": 40, "holdout": 15 }))?,
    );
    assert_eq!(
        (held.len(Split::Train), held.len(Split::Validation)),
        (25, 15)
    );
    for index in 0..15 {
        let image = read(held.as_ref(), Split::Validation, index);
        assert_eq!(image, read(whole.as_ref(), Split::Train, 25 + index));
    }
    assert!(
        held.info()
            .description
            .contains("15 held-out training images")
    );
    Ok(())
}

#[test]
fn classes_are_balanced_and_sizes_change_the_grid_alone() -> Result<()> {
    for size in [8, 32, 75] {
        let data = open(&json!({ "size": size, "train": 100 }))?;
        assert_eq!(data.info().shape, [3, size, size]);
        let mut counts = [0; 10];
        for index in 0..100 {
            counts[read(data.as_ref(), Split::Train, index).0 as usize] += 1;
        }
        assert_eq!(counts, [10; 10]);
    }
    Ok(())
}

#[test]
fn impossible_configs_name_their_key() {
    for (key, config) in [
        ("size", json!({ "size": 4 })),
        ("train", json!({ "train": 0 })),
        ("validation", json!({ "validation": 0 })),
        ("train", json!({ "train": u64::MAX })),
        ("validation", json!({ "validation": 10_000_001 })),
        ("holdout", json!({ "train": 10, "holdout": 10 })),
    ] {
        let error = open(&config).err().expect("must not open").to_string();
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
}

/// Mean image of each class.
fn means(data: &dyn Dataset, of: impl Fn(&[u8]) -> Vec<f32>) -> Vec<Vec<f32>> {
    let mut sums: Vec<Vec<f32>> = vec![Vec::new(); 10];
    for index in 0..data.len(Split::Train) {
        let (label, pixels) = read(data, Split::Train, index);
        let features = of(&pixels);
        let sum = &mut sums[label as usize];
        sum.resize(features.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(features) {
            *sum += value * 10.0 / data.len(Split::Train) as f32;
        }
    }
    sums
}

/// The part of the validation images whose nearest class mean is their own.
fn nearest_mean_accuracy(data: &dyn Dataset, of: impl Fn(&[u8]) -> Vec<f32>) -> f32 {
    let means = means(data, &of);
    let right = (0..data.len(Split::Validation)).filter(|&index| {
        let (label, pixels) = read(data, Split::Validation, index);
        let features = of(&pixels);
        let distance = |mean: &Vec<f32>| -> f32 {
            mean.iter()
                .zip(&features)
                .map(|(a, b)| (a - b) * (a - b))
                .sum()
        };
        let nearest = (0..10).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
        nearest == Some(label as usize)
    });
    right.count() as f32 / data.len(Split::Validation) as f32
}

#[test]
fn neither_mean_image_nor_mean_colour_gives_the_class_away() -> Result<()> {
    let data = open(&json!({}))?;
    let pixels = |pixels: &[u8]| {
        pixels
            .iter()
            .map(|&byte| f32::from(byte))
            .collect::<Vec<_>>()
    };
    let colour = |pixels: &[u8]| -> Vec<f32> {
        let mean = |plane: &[u8]| plane.iter().map(|&byte| f32::from(byte)).sum::<f32>() / 1024.0;
        pixels.chunks_exact(1024).map(mean).collect()
    };
    let (by_pixels, by_colour) = (
        nearest_mean_accuracy(data.as_ref(), pixels),
        nearest_mean_accuracy(data.as_ref(), colour),
    );
    println!("nearest class mean: pixels {by_pixels:.3}, colour {by_colour:.3}");
    assert!(by_pixels < 0.25, "pixels give {by_pixels}");
    assert!(by_colour < 0.2, "colour gives {by_colour}");
    Ok(())
}
