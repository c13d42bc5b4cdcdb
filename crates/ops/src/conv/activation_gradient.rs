//! Back through the activation, and the gradient of the bias on the way.

use rayon::prelude::*;

use crate::Activation;
use crate::lanes::Lanes;

/// Turns `gy`, the gradient after the activation, into the gradient before it,
/// in place, and overwrites `gb` with the gradient of the bias.
///
/// `y` is the output after the activation; it and `gy` are
/// `[blocks, channels, height, width]`. Each block sums for itself and the
/// blocks are added in order, so that the thread count does not matter.
///
/// # Panics
/// When the lengths do not fit.
pub fn activation_gradient(
    act: Activation,
    channels: usize,
    pixels: usize,
    y: &[Lanes],
    gy: &mut [Lanes],
    gb: Option<&mut [f32]>,
) {
    assert_eq!(
        y.len(),
        gy.len(),
        "activation_gradient: `y` and `gy` differ in length"
    );
    assert_eq!(
        y.len() % (channels * pixels),
        0,
        "activation_gradient: broken blocks"
    );
    let planes = y
        .par_chunks_exact(pixels)
        .zip(gy.par_chunks_exact_mut(pixels));
    let sums: Vec<f32> = planes.map(|(y, gy)| plane(act, y, gy).sum()).collect();
    if let Some(gb) = gb {
        assert_eq!(
            gb.len(),
            channels,
            "activation_gradient: `gb` has the wrong length"
        );
        gb.fill(0.0);
        for sums in sums.chunks_exact(channels) {
            for (gb, sum) in gb.iter_mut().zip(sums) {
                *gb += sum;
            }
        }
    }
}

/// One channel of one block; returns the sum over its pixels.
fn plane(act: Activation, y: &[Lanes], gy: &mut [Lanes]) -> Lanes {
    let mut sum = Lanes::ZERO;
    for (y, gy) in y.iter().zip(gy) {
        for ((y, gy), sum) in y.0.iter().zip(&mut gy.0).zip(&mut sum.0) {
            *gy *= act.derivative(*y);
            *sum += *gy;
        }
    }
    sum
}
