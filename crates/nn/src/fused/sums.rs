//! Sums and products over slices that no layer's kernel includes.

use ablate_ops::{Activation, LANES, Lanes};
use rayon::prelude::*;

/// Values a parallel task adds up.
const CHUNK: usize = 16 * 1024;

/// `gy` times the derivative of the activation whose outputs are `y`.
pub(super) fn scale_by_derivative(activation: Activation, y: &[Lanes], gy: &mut [Lanes]) {
    scale_floats_by_derivative(activation, Lanes::as_floats(y), Lanes::as_floats_mut(gy));
}

/// [`scale_by_derivative`] in the plain layout.
pub(super) fn scale_floats_by_derivative(activation: Activation, y: &[f32], gy: &mut [f32]) {
    match activation {
        Activation::Identity => {}
        Activation::Relu => scale(y, gy, |y| if y > 0.0 { 1.0 } else { 0.0 }),
        Activation::Tanh => scale(y, gy, |y| 1.0 - y * y),
    }
}

fn scale(y: &[f32], gy: &mut [f32], factor: impl Fn(f32) -> f32) {
    for (gy, y) in gy.iter_mut().zip(y) {
        *gy *= factor(*y);
    }
}

/// The sum over the pixels and images of one plane.
pub(super) fn sum(plane: &[Lanes]) -> f32 {
    let mut sums = [0.0; LANES];
    for lanes in plane {
        for (sum, value) in sums.iter_mut().zip(lanes.0) {
            *sum += value;
        }
    }
    Lanes(sums).sum()
}

/// Adds each of `terms` to `sums`, in order.
pub(super) fn add_all<'a>(sums: &mut [f32], terms: impl Iterator<Item = &'a [f32]>) {
    let terms: Vec<_> = terms.collect();
    let chunks = sums.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(chunk, sums)| {
        for terms in &terms {
            for (sum, term) in sums.iter_mut().zip(&terms[chunk * CHUNK..]) {
                *sum += term;
            }
        }
    });
}
