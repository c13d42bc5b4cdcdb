//! Stochastic gradient descent with momentum and weight decay.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::CHUNK;
#[cfg(feature = "cuda")]
use super::cuda;
use super::targets::{check, with_floats_mut};
use crate::multiversion::multiversion;
use crate::operands::with_floats;
use crate::simd::level;

/// The paper's rule (section 5), where the velocity is in units of the weights:
/// `v <- momentum * v - weight_decay * lr * w - lr * g`, then `w <- w + v`.
///
/// `w` (parameter) and `v` (velocity) are changed in place; `g` is the gradient.
///
/// # Errors
/// The tensors are not float32 or on a device without this rule, differ in shape or
/// share memory, or `w` or `v` is not contiguous.
pub fn sgd_paper(
    w: &Tensor,
    v: &Tensor,
    g: &Tensor,
    lr: f64,
    momentum: f64,
    weight_decay: f64,
) -> Result<()> {
    #[cfg(feature = "cuda")]
    if let candle_core::Device::Cuda(device) = w.device() {
        let factors = paper_factors(lr, momentum, weight_decay);
        return cuda::sgd_paper(device, [w, v, g], factors);
    }
    with_values("sgd_paper", w, v, g, |w, v, g| {
        sgd_paper_slices(w, v, g, lr, momentum, weight_decay);
    })
}

/// PyTorch's rule, where the learning rate acts on the velocity:
/// `v <- momentum * v + (g + weight_decay * w)`, then `w <- w - lr * v`.
///
/// `w` (parameter) and `v` (velocity) are changed in place; `g` is the gradient.
///
/// # Errors
/// As for [`sgd_paper`].
pub fn sgd(
    w: &Tensor,
    v: &Tensor,
    g: &Tensor,
    lr: f64,
    momentum: f64,
    weight_decay: f64,
) -> Result<()> {
    #[cfg(feature = "cuda")]
    if let candle_core::Device::Cuda(device) = w.device() {
        let factors = factors(lr, momentum, weight_decay);
        return cuda::sgd(device, [w, v, g], factors);
    }
    with_values("sgd", w, v, g, |w, v, g| {
        sgd_slices(w, v, g, lr, momentum, weight_decay);
    })
}

fn with_values(
    op: &'static str,
    w: &Tensor,
    v: &Tensor,
    g: &Tensor,
    update: impl FnOnce(&mut [f32], &mut [f32], &[f32]),
) -> Result<()> {
    check(op, &[w, v, g])?;
    with_floats(op, g, |g| {
        with_floats_mut(op, w, |w| {
            with_floats_mut(op, v, |v| {
                update(w, v, g);
                Ok(())
            })
        })
    })
}

/// [`sgd_paper`] over slices.
///
/// # Panics
/// When the slices differ in length.
pub fn sgd_paper_slices(
    w: &mut [f32],
    v: &mut [f32],
    g: &[f32],
    lr: f64,
    momentum: f64,
    weight_decay: f64,
) {
    let factors = paper_factors(lr, momentum, weight_decay);
    let level = level();
    for_each_chunk(w, v, g, |w, v, g| sgd_paper_chunk(level, w, v, g, factors));
}

/// [`sgd`] over slices.
///
/// # Panics
/// When the slices differ in length.
pub fn sgd_slices(
    w: &mut [f32],
    v: &mut [f32],
    g: &[f32],
    lr: f64,
    momentum: f64,
    weight_decay: f64,
) {
    let factors = factors(lr, momentum, weight_decay);
    let level = level();
    for_each_chunk(w, v, g, |w, v, g| sgd_chunk(level, w, v, g, factors));
}

/// The factors of the paper's rule: on the velocity, the weight and the gradient.
fn paper_factors(lr: f64, momentum: f64, weight_decay: f64) -> [f32; 3] {
    [momentum, weight_decay * lr, lr].map(|factor| factor as f32)
}

/// The factors of PyTorch's rule: on the velocity, the weight and the step.
fn factors(lr: f64, momentum: f64, weight_decay: f64) -> [f32; 3] {
    [momentum, weight_decay, lr].map(|factor| factor as f32)
}

fn for_each_chunk(
    w: &mut [f32],
    v: &mut [f32],
    g: &[f32],
    update: impl Fn(&mut [f32], &mut [f32], &[f32]) + Sync,
) {
    assert_eq!(w.len(), v.len(), "sgd: the velocity differs in length");
    assert_eq!(w.len(), g.len(), "sgd: the gradient differs in length");
    w.par_chunks_mut(CHUNK)
        .zip(v.par_chunks_mut(CHUNK))
        .zip(g.par_chunks(CHUNK))
        .for_each(|((w, v), g)| update(w, v, g));
}

multiversion! {
    fn sgd_paper_chunk(w: &mut [f32], v: &mut [f32], g: &[f32], factors: [f32; 3]) {
        let [momentum, decay, lr] = factors;
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            *v = momentum * *v - decay * *w - lr * g;
            *w += *v;
        }
    }
}

multiversion! {
    fn sgd_chunk(w: &mut [f32], v: &mut [f32], g: &[f32], factors: [f32; 3]) {
        let [momentum, decay, lr] = factors;
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            *v = momentum * *v + (g + decay * *w);
            *w -= lr * *v;
        }
    }
}
