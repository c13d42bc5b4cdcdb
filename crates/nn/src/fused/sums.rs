//! Sums and products over slices that no layer's kernel includes.

use ablate_ops::{Activation, LANES, Lanes, Split};
use rayon::prelude::*;

/// Values that a parallel task works on.
const CHUNK: usize = 4 * 1024;

/// `gy` times the derivative of the activation whose outputs are `y`.
pub(super) fn scale_by_derivative(
    split: Split,
    activation: Activation,
    y: &[Lanes],
    gy: &mut [Lanes],
) {
    let (y, gy) = (Lanes::as_floats(y), Lanes::as_floats_mut(gy));
    scale_floats_by_derivative(split, activation, y, gy);
}

/// [`scale_by_derivative`] in the plain layout.
pub(super) fn scale_floats_by_derivative(
    split: Split,
    activation: Activation,
    y: &[f32],
    gy: &mut [f32],
) {
    match activation {
        Activation::Identity => {}
        Activation::Relu => scale(split, y, gy, |y| if y > 0.0 { 1.0 } else { 0.0 }),
        Activation::Tanh => scale(split, y, gy, |y| 1.0 - y * y),
    }
}

fn scale(split: Split, y: &[f32], gy: &mut [f32], factor: impl Fn(f32) -> f32 + Sync) {
    gy.par_chunks_mut(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .with_min_len(split.min_len())
        .for_each(|(gy, y)| {
            for (gy, y) in gy.iter_mut().zip(y) {
                *gy *= factor(*y);
            }
        });
}

/// Takes `gy`, `[blocks, channels, pixels]`, back through an activation with these
/// outputs, if any, and adds the sums over pixels and images to `gb`, by channel: the
/// gradient of a bias. Plane by plane, while it is in the cache; the blocks are added in
/// order.
pub(super) fn undo_activation(
    split: Split,
    pixels: usize,
    activation: Option<(Activation, &[Lanes])>,
    gy: &mut [Lanes],
    gb: &mut [f32],
) {
    let planes = gy.par_chunks_exact_mut(pixels).enumerate();
    let planes = planes.with_min_len(split.min_len()).map(|(plane, gy)| {
        if let Some((activation, y)) = activation {
            let y = &y[plane * pixels..][..pixels];
            scale_by_derivative(Split::Never, activation, y, gy);
        }
        sum(gy)
    });
    let sums: Vec<_> = planes.collect();
    for sums in sums.chunks_exact(gb.len()) {
        for (gb, sum) in gb.iter_mut().zip(sums) {
            *gb += sum;
        }
    }
}

/// The sum over the pixels and images of one plane.
fn sum(plane: &[Lanes]) -> f32 {
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
