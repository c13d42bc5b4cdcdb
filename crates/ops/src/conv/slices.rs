//! Convolution over plain slices in `[N, C, H, W]` order: each block of sixteen
//! images is laid out as lanes, computed, and laid out again.

use std::cell::Cell;

use super::{ConvPlan, ConvShape, activation_gradient};
use crate::lanes::{LANES, Lanes, deinterleave, interleave};
use crate::{Activation, Level, Precision, Split, level};

thread_local! {
    /// Two blocks, kept between calls. Taken out while in use, so that a call
    /// that rayon starts on this thread meanwhile finds none and makes its own.
    static SCRATCH: Cell<[Vec<Lanes>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
}

fn with_scratch(lens: [usize; 2], run: impl FnOnce(&mut [Lanes], &mut [Lanes])) {
    let mut scratch = SCRATCH.take();
    for (buffer, len) in scratch.iter_mut().zip(lens) {
        if buffer.len() < len {
            buffer.resize(len, Lanes::ZERO);
        }
    }
    let [first, second] = &mut scratch;
    run(&mut first[..lens[0]], &mut second[..lens[1]]);
    SCRATCH.set(scratch);
}

fn plan(shape: &ConvShape, precision: Precision, level: Level) -> ConvPlan {
    match ConvPlan::at_level(*shape, precision, level) {
        Ok(plan) => plan,
        Err(error) => panic!("{error}"),
    }
}

/// `y = act(conv(x, w) + bias)`.
///
/// `x` is `[N, C, H, W]`, `w` `[O, C / groups, kH, kW]`, `bias` `[O]` and `y`
/// `[N, O, H', W']`, which is overwritten.
///
/// # Panics
/// When the shape does not check or a slice has another length than it asks for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn conv2d_forward(
    precision: Precision,
    shape: &ConvShape,
    batch: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    forward_at((level(), precision), shape, batch, x, w, bias, act, y);
}

#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub(super) fn forward_at(
    (level, precision): (Level, Precision),
    shape: &ConvShape,
    batch: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    let mut plan = plan(shape, precision, level);
    let (x_len, y_len) = (shape.input_len(), shape.output_len());
    assert_eq!(x.len(), batch * x_len, "conv2d: `x` has the wrong length");
    assert_eq!(y.len(), batch * y_len, "conv2d: `y` has the wrong length");
    plan.pack_forward(w);
    with_scratch([x_len, y_len], |x_block, y_block| {
        for (x, y) in x.chunks(LANES * x_len).zip(y.chunks_mut(LANES * y_len)) {
            interleave(Split::Threads, x_len, x, x_block);
            plan.forward(Split::Threads, x_block, bias, act, y_block);
            deinterleave(Split::Threads, y_len, y_block, y);
        }
    });
}

/// The gradients of [`conv2d_forward`].
///
/// `y` is its output (after the activation) and `gy` the gradient of the loss
/// with respect to it. Overwrites `gx` (leave it out for a first layer), `gw`
/// and `gb`, shaped like `x`, `w` and `bias`.
///
/// # Panics
/// When the shape does not check or a slice has another length than it asks for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn conv2d_backward(
    precision: Precision,
    shape: &ConvShape,
    batch: usize,
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
        shape,
        batch,
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
    shape: &ConvShape,
    batch: usize,
    x: &[f32],
    w: &[f32],
    y: &[f32],
    gy: &[f32],
    act: Activation,
    mut gx: Option<&mut [f32]>,
    gw: &mut [f32],
    gb: Option<&mut [f32]>,
) {
    let mut plan = plan(shape, precision, level);
    let (x_len, y_len) = (shape.input_len(), shape.output_len());
    let [height, width] = shape.output();
    assert_eq!(x.len(), batch * x_len, "conv2d: `x` has the wrong length");
    assert_eq!(
        w.len(),
        shape.weight_len(),
        "conv2d: `w` has the wrong length"
    );
    assert_eq!(y.len(), batch * y_len, "conv2d: `y` has the wrong length");
    assert_eq!(gy.len(), batch * y_len, "conv2d: `gy` has the wrong length");
    if let Some(gx) = &gx {
        assert_eq!(gx.len(), batch * x_len, "conv2d: `gx` has the wrong length");
        plan.pack_backward(w);
    }
    gw.fill(0.0);
    let mut unwanted = vec![0.0; shape.out_channels];
    let gb = gb.unwrap_or(&mut unwanted);
    assert_eq!(
        gb.len(),
        shape.out_channels,
        "conv2d: `gb` has the wrong length"
    );
    gb.fill(0.0);
    with_scratch([x_len.max(y_len), y_len], |block, gz| {
        for first in (0..batch).step_by(LANES) {
            let images = first..(first + LANES).min(batch);
            let of = |len: usize| images.start * len..images.end * len;
            interleave(Split::Threads, y_len, &y[of(y_len)], &mut block[..y_len]);
            interleave(Split::Threads, y_len, &gy[of(y_len)], gz);
            let y = Some((act, &block[..y_len]));
            activation_gradient(Split::Threads, height * width, y, gz, gb);
            interleave(Split::Threads, x_len, &x[of(x_len)], &mut block[..x_len]);
            plan.add_weight_gradient(Split::Threads, &block[..x_len], gz, gw);
            if let Some(gx) = &mut gx {
                plan.input_gradient(Split::Threads, gz, &mut block[..x_len]);
                deinterleave(Split::Threads, x_len, &block[..x_len], &mut gx[of(x_len)]);
            }
        }
    });
}
