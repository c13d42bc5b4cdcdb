//! The loss against its definition, and at the limits of float32.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::*;
use crate::testing::{EDGES, assert_gradient, assert_near, noise};

fn logits(values: Vec<f32>, classes: usize) -> Result<Tensor> {
    let batch = values.len() / classes;
    Tensor::from_vec(values, (batch, classes), &Device::Cpu)
}

fn labels(values: &[u32]) -> Result<Tensor> {
    Tensor::new(values, &Device::Cpu)
}

#[test]
fn log_softmax_follows_its_definition() {
    let x: Vec<_> = noise(1, 35).iter().map(|x| x * 20.0).collect();
    let mut y = vec![0.0; 35];
    log_softmax(7, &x, &mut y);
    let wanted: Vec<f64> = x
        .chunks(7)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
            row.iter().map(move |x| f64::from(*x) - sum.ln())
        })
        .collect();
    assert_near("log_softmax", &y, &wanted, 1e-7);
    log_softmax(3, &[1e30, -1e30, 1e30], &mut y[..3]);
    assert_eq!(y[..3], [-(2f32.ln()), -2e30, -(2f32.ln())]);
    log_softmax(3, &[f32::NAN, 0.0, 1.0], &mut y[..3]);
    assert!(y[..3].iter().all(|y| y.is_nan()));
}

#[test]
fn loss_is_the_mean_over_the_batch() -> Result<()> {
    let x: Vec<_> = noise(2, 30).iter().map(|x| x * 3.0).collect();
    let targets = [4, 0, 2, 2, 1, 3];
    let mut rows = vec![0.0; 30];
    log_softmax(5, &x, &mut rows);
    let sum: f32 = targets
        .iter()
        .enumerate()
        .map(|(n, t)| -rows[n * 5 + *t as usize])
        .sum();
    let loss = cross_entropy(&logits(x, 5)?, &labels(&targets)?)?;
    assert_eq!(loss.dims(), [0; 0]);
    assert!((loss.to_scalar::<f32>()? - sum / 6.0).abs() < 1e-6);
    Ok(())
}

#[test]
fn gradient_is_right() -> Result<()> {
    let (x, targets) = (logits(noise(3, 20), 5)?, labels(&[4, 0, 2, 2])?);
    assert_gradient("cross_entropy", &x, |x| cross_entropy(x, &targets))?;
    // The same logits through a view, and with a factor on the loss.
    let transposed = logits(x.t()?.flatten_all()?.to_vec1()?, 4)?;
    assert_gradient("a view", &transposed, |x| {
        cross_entropy(&x.t()?, &targets)? * 3.0
    })
}

#[test]
fn extreme_logits_give_exact_losses_and_gradients() -> Result<()> {
    let x = Var::from_tensor(&logits(vec![1e30, -1e30, 1e30, -1e30], 2)?)?;
    let loss = cross_entropy(&x, &labels(&[0, 1])?)?;
    assert_eq!(loss.to_scalar::<f32>()?, 1e30);
    let gradient = loss.backward()?.remove(&x).expect("x has a gradient");
    assert_eq!(gradient.to_vec2::<f32>()?, [[0.0, 0.0], [0.5, -0.5]]);

    // Where the target is nearly certain, `p - 1` in float32 would be zero.
    let x = Var::from_tensor(&logits(vec![20.0, 0.0], 2)?)?;
    let gradients = cross_entropy(&x, &labels(&[0])?)?.backward()?;
    let gradient = gradients
        .get(&x)
        .expect("x has a gradient")
        .to_vec2::<f32>()?;
    let other = (-20f64).exp() / (1.0 + (-20f64).exp());
    assert!(
        (f64::from(gradient[0][0]) / -other - 1.0).abs() < 1e-6,
        "{gradient:?}"
    );
    Ok(())
}

#[test]
fn logits_at_the_edges_of_float32_are_told_apart_or_overflow() -> Result<()> {
    let loss_of = |row: [f32; 3], target: u32| -> Result<(f32, Vec<f32>)> {
        let x = Var::from_tensor(&logits(row.to_vec(), 3)?)?;
        let loss = cross_entropy(&x, &labels(&[target])?)?;
        let gradient = loss.backward()?.remove(&x).expect("a gradient");
        Ok((loss.to_scalar()?, gradient.flatten_all()?.to_vec1()?))
    };
    for edge in EDGES {
        // Alike: a third each, whatever they are.
        for value in [edge, -edge] {
            let (loss, gradient) = loss_of([value; 3], 1)?;
            assert!(
                (f64::from(loss) - 3f64.ln()).abs() < 1e-7,
                "{value:e}: {loss}"
            );
            for (found, wanted) in gradient.iter().zip([1.0 / 3.0, -2.0 / 3.0, 1.0 / 3.0]) {
                assert!((found - wanted).abs() < 1e-7, "{value:e}: {gradient:?}");
            }
        }
        // Apart: what is further apart than float32 reaches is an infinite loss, which
        // ends the trial; its gradient is that of a certain mistake all the same.
        let (loss, gradient) = loss_of([edge, 0.0, -edge], 2)?;
        let [near, far] = [0.0, f64::from(edge)].map(|x| (x - f64::from(edge)).exp());
        let last = (-2.0 * f64::from(edge)).exp();
        let wanted = (near + far + last).ln() + 2.0 * f64::from(edge);
        match wanted <= f64::from(f32::MAX) {
            true => assert!(
                (f64::from(loss) / wanted - 1.0).abs() < 1e-6,
                "{edge:e}: {loss}"
            ),
            false => assert_eq!(loss, f32::INFINITY, "{edge:e}"),
        }
        let sum = near + far + last;
        for (found, wanted) in gradient
            .iter()
            .zip([far / sum, near / sum, last / sum - 1.0])
        {
            assert!(
                (f64::from(*found) - wanted).abs() < 1e-7,
                "{edge:e}: {gradient:?}"
            );
        }
    }
    // A class that cannot be is none; where none can be, nothing is right.
    let (loss, gradient) = loss_of([0.0, f32::NEG_INFINITY, 0.0], 0)?;
    assert!((loss - 2f32.ln()).abs() < 1e-7, "{loss}");
    assert_eq!(gradient, [-0.5, 0.0, 0.5]);
    for row in [[f32::NEG_INFINITY; 3], [0.0, f32::INFINITY, 1.0]] {
        assert!(loss_of(row, 1)?.0.is_nan(), "{row:?}");
    }
    Ok(())
}

#[test]
fn misfits_are_refused() -> Result<()> {
    let x = logits(noise(4, 6), 3)?;
    let message = |x: &Tensor, targets: Result<Tensor>| -> Result<String> {
        let result = cross_entropy(x, &targets?);
        Ok(result.expect_err("must be refused").to_string())
    };
    let range = message(&x, labels(&[0, 3]))?;
    assert!(
        range.contains("target 3") && range.contains("3 classes"),
        "{range}"
    );
    let count = message(&x, labels(&[0]))?;
    assert!(count.contains("[2, 3]"), "{count}");
    let kind = message(&x, labels(&[0, 1])?.to_dtype(DType::I64))?;
    assert!(kind.contains("u32"), "{kind}");
    let empty = message(
        &Tensor::zeros((0, 3), DType::F32, &Device::Cpu)?,
        labels(&[]),
    )?;
    assert!(empty.contains("empty"), "{empty}");
    Ok(())
}
