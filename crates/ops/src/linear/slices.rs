//! The fully connected layer over plain slices in `[N, features]` order.

use rayon::prelude::*;

use super::LinearPlan;
use crate::conv::activation_gradient;
use crate::lanes::{LANES, Lanes, deinterleave, interleave};
use crate::{Activation, Level, Precision, Split, level};

/// A batch laid out as lanes.
fn to_lanes(features: usize, images: &[f32]) -> Vec<Lanes> {
    let batch = images.len() / features;
    let mut lanes = vec![Lanes::ZERO; Lanes::blocks(batch) * features];
    let blocks = lanes.par_chunks_exact_mut(features);
    let images = images.par_chunks(LANES * features);
    blocks
        .zip(images)
        .for_each(|(block, images)| interleave(Split::Never, features, images, block));
    lanes
}

fn from_lanes(features: usize, lanes: &[Lanes], images: &mut [f32]) {
    let blocks = lanes.par_chunks_exact(features);
    let images = images.par_chunks_mut(LANES * features);
    blocks
        .zip(images)
        .for_each(|(block, images)| deinterleave(Split::Never, features, block, images));
}

/// `y = act(x w^T + bias)`.
///
/// `x` is `[N, I]`, `w` `[O, I]`, `bias` `[O]` and `y` `[N, O]`, which is
/// overwritten.
///
/// # Panics
/// When a slice has another length than the sizes ask for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn linear_forward(
    precision: Precision,
    batch: usize,
    inputs: usize,
    outputs: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    forward_at(
        (level(), precision),
        [batch, inputs, outputs],
        x,
        w,
        bias,
        act,
        y,
    );
}

pub(super) fn forward_at(
    (level, precision): (Level, Precision),
    [batch, inputs, outputs]: [usize; 3],
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    assert_eq!(x.len(), batch * inputs, "linear: `x` has the wrong length");
    assert_eq!(y.len(), batch * outputs, "linear: `y` has the wrong length");
    let mut y_lanes = vec![Lanes::ZERO; Lanes::blocks(batch) * outputs];
    let plan = LinearPlan::at_level(inputs, outputs, precision, level);
    plan.forward(&to_lanes(inputs, x), w, bias, act, &mut y_lanes);
    from_lanes(outputs, &y_lanes, y);
}

/// The gradients of [`linear_forward`].
///
/// `y` is its output (after the activation) and `gy` the gradient of the loss
/// with respect to it. Overwrites `gx` (leave it out for a first layer), `gw`
/// and `gb`, shaped like `x`, `w` and `bias`.
///
/// # Panics
/// When a slice has another length than the sizes ask for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn linear_backward(
    precision: Precision,
    batch: usize,
    inputs: usize,
    outputs: usize,
    x: &[f32],
    w: &[f32],
    y: &[f32],
    gy: &[f32],
    act: Activation,
    gx: Option<&mut [f32]>,
    gw: &mut [f32],
    gb: Option<&mut [f32]>,
) {
    backward_at(
        (level(), precision),
        [batch, inputs, outputs],
        x,
        w,
        y,
        gy,
        act,
        gx,
        gw,
        gb,
    );
}

#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub(super) fn backward_at(
    (level, precision): (Level, Precision),
    [batch, inputs, outputs]: [usize; 3],
    x: &[f32],
    w: &[f32],
    y: &[f32],
    gy: &[f32],
    act: Activation,
    gx: Option<&mut [f32]>,
    gw: &mut [f32],
    gb: Option<&mut [f32]>,
) {
    assert_eq!(x.len(), batch * inputs, "linear: `x` has the wrong length");
    assert_eq!(y.len(), batch * outputs, "linear: `y` has the wrong length");
    assert_eq!(
        gy.len(),
        batch * outputs,
        "linear: `gy` has the wrong length"
    );
    assert_eq!(
        w.len(),
        inputs * outputs,
        "linear: `w` has the wrong length"
    );
    let plan = LinearPlan::at_level(inputs, outputs, precision, level);
    let mut unwanted = vec![0.0; outputs];
    let gb = gb.unwrap_or(&mut unwanted);
    assert_eq!(gb.len(), outputs, "linear: `gb` has the wrong length");
    gb.fill(0.0);
    let mut gz = to_lanes(outputs, gy);
    let y = to_lanes(outputs, y);
    activation_gradient(Split::Threads, 1, Some((act, &y)), &mut gz, gb);
    let mut x_lanes = to_lanes(inputs, x);
    plan.weight_gradient(batch, &x_lanes, &gz, gw);
    if let Some(gx) = gx {
        assert_eq!(
            gx.len(),
            batch * inputs,
            "linear: `gx` has the wrong length"
        );
        plan.input_gradient(&gz, w, &mut x_lanes);
        from_lanes(inputs, &x_lanes, gx);
    }
}
