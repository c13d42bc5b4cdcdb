//! Update rules against their formulas in double precision, over several steps.

use candle_core::{Device, Result, Tensor, Var};

use super::*;
use crate::testing::{assert_near, assert_same_on_any_threads, noise};

const LR: f64 = 0.1;
const MOMENTUM: f64 = 0.9;
const DECAY: f64 = 0.05;

/// More than one chunk, and a remainder.
const LEN: usize = CHUNK + 37;

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

#[test]
fn sgd_follows_both_rules() {
    for paper in [true, false] {
        let (mut w, mut v) = (noise(1, LEN), vec![0.0; LEN]);
        let (mut wide_w, mut wide_v) = (doubles(&w), vec![0.0; LEN]);
        for step in 0..3 {
            let g = noise(10 + step, LEN);
            for ((w, v), g) in wide_w.iter_mut().zip(&mut wide_v).zip(doubles(&g)) {
                if paper {
                    *v = MOMENTUM * *v - DECAY * LR * *w - LR * g;
                    *w += *v;
                } else {
                    *v = MOMENTUM * *v + (g + DECAY * *w);
                    *w -= LR * *v;
                }
            }
            match paper {
                true => sgd_paper_slices(&mut w, &mut v, &g, LR, MOMENTUM, DECAY),
                false => sgd_slices(&mut w, &mut v, &g, LR, MOMENTUM, DECAY),
            }
        }
        assert_near("w", &w, &wide_w, 1e-6);
        assert_near("v", &v, &wide_v, 1e-6);
    }
}

#[test]
fn adam_follows_its_rule() {
    for decoupled in [true, false] {
        let (mut w, mut m, mut v) = (noise(1, LEN), vec![0.0; LEN], vec![0.0; LEN]);
        let mut wide: Vec<_> = doubles(&w).into_iter().map(|w| [w, 0.0, 0.0]).collect();
        for step in 1..4 {
            let rule = AdamStep {
                lr: LR,
                beta1: 0.9,
                beta2: 0.99,
                eps: 1e-8,
                weight_decay: DECAY,
                step,
                decoupled,
            };
            let g = noise(10 + step, LEN);
            for ([w, m, v], g) in wide.iter_mut().zip(doubles(&g)) {
                let g = if decoupled { g } else { g + DECAY * *w };
                if decoupled {
                    *w -= LR * DECAY * *w;
                }
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.99 * *v + 0.01 * g * g;
                let (mean, square) = (
                    *m / (1.0 - 0.9f64.powi(step as i32)),
                    *v / (1.0 - 0.99f64.powi(step as i32)),
                );
                *w -= LR * mean / (square.sqrt() + 1e-8);
            }
            adam_slices(&mut w, &mut m, &mut v, &g, rule);
        }
        let column = |i: usize| wide.iter().map(|values| values[i]).collect::<Vec<_>>();
        assert_near("w", &w, &column(0), 1e-6);
        assert_near("m", &m, &column(1), 1e-6);
        assert_near("v", &v, &column(2), 1e-6);
    }
}

#[test]
fn threads_do_not_matter() {
    let g = noise(2, 5 * CHUNK + 3);
    assert_same_on_any_threads("sgd", || {
        let (mut w, mut v) = (noise(1, g.len()), noise(3, g.len()));
        sgd_paper_slices(&mut w, &mut v, &g, LR, MOMENTUM, DECAY);
        w.extend(v);
        w
    });
}

#[test]
fn ops_change_parameter_and_state_in_place() -> Result<()> {
    let values = |seed| Tensor::from_vec(noise(seed, 12), (3, 4), &Device::Cpu);
    let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let (w, v, m) = (Var::from_tensor(&values(1)?)?, values(2)?, values(3)?);
    // A gradient may be a view.
    let g = values(4)?.t()?.copy()?.t()?;
    let (mut wanted_w, mut wanted_v) = (noise(1, 12), noise(2, 12));
    let mut wanted_m = noise(3, 12);
    wanted_v.iter_mut().for_each(|v| *v = v.abs());
    let v = v.abs()?;

    sgd_paper(&w, &v, &g, LR, MOMENTUM, DECAY)?;
    sgd_paper_slices(
        &mut wanted_w,
        &mut wanted_v,
        &flat(&g)?,
        LR,
        MOMENTUM,
        DECAY,
    );
    assert_eq!((flat(&w)?, flat(&v)?), (wanted_w.clone(), wanted_v.clone()));

    sgd(&w, &v, &g, LR, MOMENTUM, DECAY)?;
    sgd_slices(
        &mut wanted_w,
        &mut wanted_v,
        &flat(&g)?,
        LR,
        MOMENTUM,
        DECAY,
    );
    assert_eq!((flat(&w)?, flat(&v)?), (wanted_w.clone(), wanted_v));

    let step = AdamStep {
        lr: LR,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.0,
        step: 1,
        decoupled: false,
    };
    let square = values(5)?.sqr()?;
    let mut wanted_square = flat(&square)?;
    adam(&w, &m, &square, &g, step)?;
    adam_slices(
        &mut wanted_w,
        &mut wanted_m,
        &mut wanted_square,
        &flat(&g)?,
        step,
    );
    assert_eq!(flat(&w)?, wanted_w);
    assert_eq!((flat(&m)?, flat(&square)?), (wanted_m, wanted_square));
    Ok(())
}

#[test]
fn misfits_are_refused_and_never_wait_for_ever() -> Result<()> {
    let zeros = |shape: (usize, usize)| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu);
    let (w, v, g) = (zeros((3, 4))?, zeros((3, 4))?, zeros((3, 4))?);
    let message = |w: &Tensor, v: &Tensor, g: &Tensor| {
        let result = sgd(w, v, g, LR, MOMENTUM, DECAY);
        result.expect_err("must be refused").to_string()
    };
    for (w, v, g) in [(&w, &w, &g), (&w, &v, &w), (&w, &v, &v), (&w, &w, &w)] {
        let shared = message(w, v, g);
        assert!(shared.contains("share memory"), "{shared}");
    }
    let halves = zeros((6, 4))?;
    let shared = message(&halves.narrow(0, 0, 3)?, &halves.narrow(0, 3, 3)?, &g);
    assert!(shared.contains("share memory"), "{shared}");
    let shape = message(&w, &v, &zeros((4, 3))?);
    assert!(
        shape.contains("[3, 4]") && shape.contains("[4, 3]"),
        "{shape}"
    );
    let view = message(&w, &zeros((4, 3))?.t()?, &g);
    assert!(view.contains("contiguous"), "{view}");
    let double = message(&w, &v, &g.to_dtype(candle_core::DType::F64)?);
    assert!(double.contains("float32"), "{double}");
    Ok(())
}
