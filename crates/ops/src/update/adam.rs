//! Adam (Kingma and Ba 2015) and its variant with decoupled weight decay
//! (Loshchilov and Hutter 2019), step by step as PyTorch computes them.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::CHUNK;
use super::targets::{check, with_floats_mut};
use crate::multiversion::multiversion;
use crate::operands::with_floats;
use crate::simd::level;

/// The numbers of one step of [`adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// What the root of that is added to.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Which step this is; the first is 1.
    pub step: u64,
    /// Whether weights decay by themselves (AdamW) and not through the gradient.
    pub decoupled: bool,
}

/// One step of Adam: parameter `w`, mean `m` and mean square `v` are changed in
/// place; `g` is the gradient. `m` and `v` start as zeros.
///
/// # Errors
/// The tensors are not float32 or on a device without this rule, differ in
/// shape or share memory, or one of those changed is not contiguous.
pub fn adam(w: &Tensor, m: &Tensor, v: &Tensor, g: &Tensor, step: AdamStep) -> Result<()> {
    const OP: &str = "adam";
    #[cfg(feature = "cuda")]
    if let candle_core::Device::Cuda(device) = w.device() {
        return super::cuda::adam(device, [w, m, v, g], Factors::of(step));
    }
    check(OP, &[w, m, v, g])?;
    with_floats(OP, g, |g| {
        with_floats_mut(OP, w, |w| {
            with_floats_mut(OP, m, |m| {
                with_floats_mut(OP, v, |v| {
                    adam_slices(w, m, v, g, step);
                    Ok(())
                })
            })
        })
    })
}

/// [`adam`] over slices.
///
/// # Panics
/// When the slices differ in length.
pub fn adam_slices(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], step: AdamStep) {
    assert_eq!(w.len(), m.len(), "adam: the mean differs in length");
    assert_eq!(w.len(), v.len(), "adam: the mean square differs in length");
    assert_eq!(w.len(), g.len(), "adam: the gradient differs in length");
    let (level, factors) = (level(), Factors::of(step));
    w.par_chunks_mut(CHUNK)
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK))
        .zip(g.par_chunks(CHUNK))
        .for_each(|(((w, m), v), g)| adam_chunk(level, w, m, v, g, factors));
}

/// The factors of one step, worked out in double precision.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// On the weight, before anything else.
    pub keep: f32,
    /// On the weight, into the gradient.
    pub decay: f32,
    /// On the old and the new mean.
    pub mean: [f32; 2],
    /// On the old and the new mean square.
    pub square: [f32; 2],
    /// On the root of the mean square: its bias correction.
    pub root: f32,
    pub eps: f32,
    /// On the quotient: learning rate and bias correction of the mean.
    pub rate: f32,
}

impl Factors {
    pub fn of(step: AdamStep) -> Self {
        let AdamStep {
            lr, beta1, beta2, ..
        } = step;
        let power = |beta: f64| beta.powf(step.step as f64);
        let (keep, decay) = match step.decoupled {
            true => (1.0 - lr * step.weight_decay, 0.0),
            false => (1.0, step.weight_decay),
        };
        Self {
            keep: keep as f32,
            decay: decay as f32,
            mean: [beta1 as f32, (1.0 - beta1) as f32],
            square: [beta2 as f32, (1.0 - beta2) as f32],
            root: (1.0 / (1.0 - power(beta2)).sqrt()) as f32,
            eps: step.eps as f32,
            rate: (lr / (1.0 - power(beta1))) as f32,
        }
    }
}

multiversion! {
    fn adam_chunk(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], factors: Factors) {
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            let kept = *w * factors.keep;
            let g = g + factors.decay * *w;
            *m = factors.mean[0] * *m + factors.mean[1] * g;
            *v = factors.square[0] * *v + factors.square[1] * g * g;
            *w = kept - factors.rate * *m / (v.sqrt() * factors.root + factors.eps);
        }
    }
}
