//! Masks: their rate, their independence, and that they can be had again.

use candle_core::{Device, Result, Tensor, Var};

use super::slices::apply;
use super::*;
use crate::Level;
use crate::testing::{assert_same_on_any_threads, noise};

/// One where the value at an index is kept.
fn mask(p: f64, key: u64, len: usize) -> Vec<f32> {
    let mut y = vec![0.0; len];
    dropout_forward(p, Mask::new(key), &vec![(1.0 - p) as f32; len], &mut y);
    y
}

fn mean(values: impl Iterator<Item = f32>) -> f64 {
    let (count, sum) = values.fold((0, 0.0), |(n, sum), v| (n + 1, sum + f64::from(v)));
    sum / f64::from(count)
}

#[test]
fn keeps_the_right_share_and_rescales_it() {
    const LEN: usize = 1 << 18;
    for p in [0.0, 0.1, 0.5, 0.9] {
        let mask = mask(p, 42, LEN);
        assert!(
            mask.iter()
                .all(|value| *value == 0.0 || (value - 1.0).abs() < 1e-6)
        );
        let deviation = (p * (1.0 - p) / LEN as f64).sqrt();
        let error = mean(mask.iter().copied()) - (1.0 - p);
        assert!(
            error.abs() <= 5.0 * deviation + 1e-7,
            "{p}: {error} of {deviation}"
        );
    }
}

#[test]
fn masks_of_other_keys_and_places_are_independent() {
    const LEN: usize = 1 << 18;
    let base = mask(0.5, 7, LEN);
    let agreement = |other: &[f32]| mean(base.iter().zip(other).map(|(a, b)| f32::from(a == b)));
    let limit = 5.0 * 0.5 / (LEN as f64).sqrt();
    for key in [8, 7 ^ (1 << 40), 7 + (1 << 32), u64::MAX] {
        let error = agreement(&mask(0.5, key, LEN)) - 0.5;
        assert!(error.abs() < limit, "key {key}: {error}");
    }
    for shift in [1, 2, 16, 4096, 8191] {
        let error = agreement(&base[shift..]) - 0.5;
        assert!(error.abs() < limit, "shift {shift}: {error}");
    }
}

#[test]
fn a_part_has_the_mask_of_the_whole() {
    let whole = mask(0.5, 9, 20_000);
    for (first, len) in [
        (0, 1),
        (1, 3),
        (4095, 2),
        (4096, 4096),
        (4097, 9000),
        (19_999, 1),
        (5, 0),
    ] {
        let (mut y, mask) = (vec![0.0; len], Mask { key: 9, first });
        dropout_forward(0.5, mask, &vec![0.5; len], &mut y);
        assert_eq!(y, whole[first..first + len], "{len} values from {first}");
    }
}

#[test]
fn levels_and_threads_do_not_matter() {
    let x = noise(1, 10_001);
    let at = |level| {
        let mut y = vec![0.0; x.len()];
        apply(level, 0.3, Mask::new(9), &x, &mut y);
        y
    };
    for level in Level::available() {
        assert_eq!(at(level), at(Level::Portable), "{level:?}");
    }
    assert_same_on_any_threads("dropout", || mask(0.3, 9, 10_001));
}

#[test]
fn what_is_not_a_number_stays_so() {
    let mut y = vec![0.0; 64];
    dropout_forward(0.5, Mask::new(1), &[f32::NAN; 64], &mut y);
    assert!(y.iter().all(|value| value.is_nan()));
}

#[test]
fn op_masks_its_gradient_alike() -> Result<()> {
    let x = Var::from_vec(vec![2f32; 300], (3, 100), &Device::Cpu)?;
    let y = dropout(&x, 0.25, Mask::new(5))?;
    let gradient = y
        .sum_all()?
        .backward()?
        .remove(&x)
        .expect("x has a gradient");
    let doubled = (gradient * 2.0)?.flatten_all()?.to_vec1::<f32>()?;
    assert_eq!(doubled, y.flatten_all()?.to_vec1::<f32>()?);

    let view = dropout(
        &Tensor::ones((100, 3), candle_core::DType::F32, &Device::Cpu)?.t()?,
        0.25,
        Mask::new(5),
    )?;
    assert_eq!((view * 2.0)?.flatten_all()?.to_vec1::<f32>()?, doubled);
    for p in [1.0, -0.1, f64::NAN] {
        let message = dropout(&x, p, Mask::new(5))
            .expect_err("must be refused")
            .to_string();
        assert!(message.contains("0..1"), "{message}");
    }
    Ok(())
}
