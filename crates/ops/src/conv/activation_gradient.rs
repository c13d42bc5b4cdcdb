//! Back through the activation, and the gradient of the bias on the way.

use rayon::prelude::*;

use crate::lanes::{LANES, Lanes};
use crate::{Activation, Split, activation_backward};

/// Turns `gy`, `[blocks, channels, pixels]`, the gradient after an activation with these
/// outputs, if there is one, into the gradient before it, in place, and adds its sums over
/// pixels and images to `gb`, by channel: the gradient of the bias.
///
/// Plane by plane, while it is in the cache. Each block sums for itself and the blocks are
/// added in order, so that the thread count does not matter.
///
/// # Panics
/// When the lengths do not fit.
pub fn activation_gradient(
    split: Split,
    pixels: usize,
    activation: Option<(Activation, &[Lanes])>,
    gy: &mut [Lanes],
    gb: &mut [f32],
) {
    assert_eq!(
        gy.len() % (gb.len() * pixels),
        0,
        "activation_gradient: broken blocks"
    );
    if let Some((_, y)) = activation {
        assert_eq!(
            y.len(),
            gy.len(),
            "activation_gradient: `y` and `gy` differ in length"
        );
    }
    let planes = gy.par_chunks_exact_mut(pixels).enumerate();
    let planes = planes.with_min_len(split.min_len()).map(|(plane, gy)| {
        if let Some((act, y)) = activation {
            let y = Lanes::as_floats(&y[plane * pixels..][..pixels]);
            activation_backward(Split::Never, act, y, Lanes::as_floats_mut(gy));
        }
        sum(gy)
    });
    let sums: Vec<f32> = planes.collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_added_in_order() {
        // Sums that give another one in any other order, or in pairs.
        let blocks = [1e8, 1.0, -1e8, 1.0, 1.0];
        const PIXELS: usize = 3;
        let planes = blocks.iter().flat_map(|sum| [*sum, 2.0 * sum]);
        let given: Vec<Lanes> = planes
            .flat_map(|sum| {
                let mut plane = [Lanes([0.0; LANES]); PIXELS];
                plane[1].0[5] = sum;
                plane
            })
            .collect();
        // Of an activation that passes on the last three blocks alone.
        let mut outputs = vec![Lanes([1.0; LANES]); given.len()];
        outputs[..2 * 2 * PIXELS].fill(Lanes([0.0; LANES]));

        for split in [Split::Never, Split::Threads] {
            let (mut gy, mut gb) = (given.clone(), [0.0; 2]);
            activation_gradient(split, PIXELS, None, &mut gy, &mut gb);
            assert_eq!(gb, [2.0, 4.0], "{split:?}");
            assert_eq!(Lanes::as_floats(&gy), Lanes::as_floats(&given));

            gb.fill(0.0);
            let relu = Some((Activation::Relu, outputs.as_slice()));
            activation_gradient(split, PIXELS, relu, &mut gy, &mut gb);
            assert_eq!(gb, [-1e8, -2e8], "{split:?}");
        }
    }
}
