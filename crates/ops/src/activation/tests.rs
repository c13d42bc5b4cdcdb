//! Activations against their formulas, on every instruction set.

use candle_core::{DType, Device, Result, Tensor};

use super::slices::{backward_at, forward_at};
use super::*;
use crate::testing::{assert_gradient, assert_near, assert_same_on_any_threads, noise};
use crate::{Level, Split};

const ALL: [Activation; 3] = [Activation::Identity, Activation::Relu, Activation::Tanh];

#[test]
fn both_passes_follow_the_formulas_on_every_level() {
    for act in ALL {
        for len in [0, 1, 15, 16, 33, 20_001] {
            let x: Vec<_> = noise(1, len).iter().map(|x| x * 2.0).collect();
            let gy = noise(2, len);
            let wide = |x: f32| match act {
                Activation::Identity => f64::from(x),
                Activation::Relu => f64::from(x).max(0.0),
                Activation::Tanh => f64::from(x).tanh(),
            };
            let slope = |x: f32| match act {
                Activation::Identity => 1.0,
                Activation::Relu => f64::from(u8::from(x > 0.0)),
                Activation::Tanh => 1.0 - f64::from(x).tanh().powi(2),
            };
            let wanted: Vec<_> = x.iter().map(|x| wide(*x)).collect();
            let pairs = x.iter().zip(&gy);
            let wanted_gradient: Vec<_> = pairs.map(|(x, g)| f64::from(*g) * slope(*x)).collect();
            for level in Level::available() {
                let what = format!("{act:?} {len} {level:?}");
                let mut y = vec![f32::NAN; len];
                forward_at(level, Split::Threads, act, &x, &mut y);
                assert_near(&what, &y, &wanted, 1e-6);
                let mut gx = gy.clone();
                backward_at(level, Split::Threads, act, &y, &mut gx);
                assert_near(&what, &gx, &wanted_gradient, 5e-6);
            }
        }
    }
}

#[test]
fn the_ends_of_the_number_line_are_kept() {
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
    let mut y = [0.0; 5];
    activation_forward(Split::Threads, Activation::Relu, &x, &mut y);
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [f32::INFINITY, 0.0, 1e30, 0.0]);
    activation_forward(Split::Threads, Activation::Tanh, &x, &mut y);
    assert!(y[0].is_nan());
    for (y, wanted) in y[1..].iter().zip([1.0, -1.0, 1.0, -1.0]) {
        assert!((y - wanted).abs() < 1e-6, "{y} {wanted}");
    }
}

#[test]
fn threads_do_not_matter() {
    let x = noise(1, 40_001);
    assert_same_on_any_threads("tanh", || {
        let mut y = vec![0.0; x.len()];
        activation_forward(Split::Threads, Activation::Tanh, &x, &mut y);
        y
    });
}

#[test]
fn op_has_the_right_gradient_in_any_layout() -> Result<()> {
    let x = Tensor::from_vec(noise(3, 60), (4, 15), &Device::Cpu)?;
    // Away from the kink of ReLU.
    let x = (&x + (x.sign()? * 0.05)?)?;
    for act in ALL {
        assert_gradient(&format!("{act:?}"), &x, |x| activation(x, act))?;
        assert_gradient(&format!("{act:?} of a view"), &x, |x| {
            activation(&x.t()?, act)
        })?;
    }
    let double = activation(&x.to_dtype(DType::F64)?, Activation::Relu);
    let message = double.expect_err("must be refused").to_string();
    assert!(message.contains("float32"), "{message}");
    Ok(())
}
