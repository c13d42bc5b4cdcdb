//! Convolution over plain slices in `[N, C, H, W]` order.

use super::ConvShape;
use crate::Activation;

/// Panics unless the slices have the lengths the shape asks for.
fn check_lengths(shape: &ConvShape, batch: usize, lengths: &[(&str, usize, usize)]) {
    for (name, found, wanted) in lengths {
        assert_eq!(
            found, wanted,
            "conv2d: `{name}` has the wrong length for {shape:?} and batch {batch}"
        );
    }
}

/// For each tap `kernel * stride` pairs the output position with the input
/// position it reads, leaving out padding.
fn taps(shape: &ConvShape, axis: usize, out: usize) -> impl Iterator<Item = (usize, usize)> {
    let (stride, padding, input) = (shape.stride[axis], shape.padding[axis], shape.input[axis]);
    (0..shape.kernel[axis]).filter_map(move |tap| {
        let position = (out * stride + tap).checked_sub(padding)?;
        (position < input).then_some((tap, position))
    })
}

/// Calls `visit(y, x, w)` with the flat indices of every multiplication.
fn for_each_product(shape: &ConvShape, batch: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let [out_height, out_width] = shape.output();
    let [height, width] = shape.input;
    let (inputs, outputs) = (shape.group_inputs(), shape.group_outputs());
    for image in 0..batch {
        for filter in 0..shape.out_channels {
            let first = filter / outputs * inputs;
            for row in 0..out_height {
                for column in 0..out_width {
                    let y = ((image * shape.out_channels + filter) * out_height + row) * out_width
                        + column;
                    for channel in 0..inputs {
                        let plane = (image * shape.in_channels + first + channel) * height;
                        for (kernel_row, input_row) in taps(shape, 0, row) {
                            for (kernel_column, input_column) in taps(shape, 1, column) {
                                let x = (plane + input_row) * width + input_column;
                                let w = ((filter * inputs + channel) * shape.kernel[0]
                                    + kernel_row)
                                    * shape.kernel[1]
                                    + kernel_column;
                                visit(y, x, w);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y = act(conv(x, w) + bias)`.
///
/// `x` is `[N, C, H, W]`, `w` `[O, C / groups, kH, kW]`, `bias` `[O]` and `y`
/// `[N, O, H', W']`, which is overwritten.
///
/// # Panics
/// When a slice has another length than the shape asks for.
pub fn conv2d_forward(
    shape: &ConvShape,
    batch: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    check_lengths(
        shape,
        batch,
        &[
            ("x", x.len(), batch * shape.input_len()),
            ("w", w.len(), shape.weight_len()),
            (
                "bias",
                bias.map_or(shape.out_channels, <[f32]>::len),
                shape.out_channels,
            ),
            ("y", y.len(), batch * shape.output_len()),
        ],
    );
    let [out_height, out_width] = shape.output();
    for (plane, values) in y.chunks_exact_mut(out_height * out_width).enumerate() {
        values.fill(bias.map_or(0.0, |bias| bias[plane % shape.out_channels]));
    }
    for_each_product(shape, batch, |at, from, weight| {
        y[at] += x[from] * w[weight]
    });
    for value in y {
        *value = act.apply(*value);
    }
}

/// The gradients of [`conv2d_forward`].
///
/// `y` is its output (after the activation) and `gy` the gradient of the loss
/// with respect to it. Overwrites `gx` (leave it out for a first layer), `gw`
/// and `gb`, shaped like `x`, `w` and `bias`.
///
/// # Panics
/// When a slice has another length than the shape asks for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn conv2d_backward(
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
    check_lengths(
        shape,
        batch,
        &[
            ("x", x.len(), batch * shape.input_len()),
            ("w", w.len(), shape.weight_len()),
            ("y", y.len(), batch * shape.output_len()),
            ("gy", gy.len(), batch * shape.output_len()),
            ("gw", gw.len(), shape.weight_len()),
        ],
    );
    let gz: Vec<f32> = y
        .iter()
        .zip(gy)
        .map(|(y, gy)| gy * act.derivative(*y))
        .collect();
    gw.fill(0.0);
    for_each_product(shape, batch, |at, from, weight| {
        gw[weight] += x[from] * gz[at]
    });
    if let Some(gx) = gx {
        check_lengths(shape, batch, &[("gx", gx.len(), batch * shape.input_len())]);
        gx.fill(0.0);
        for_each_product(shape, batch, |at, from, weight| {
            gx[from] += w[weight] * gz[at]
        });
    }
    if let Some(gb) = gb {
        check_lengths(shape, batch, &[("gb", gb.len(), shape.out_channels)]);
        let [out_height, out_width] = shape.output();
        gb.fill(0.0);
        for (plane, values) in gz.chunks_exact(out_height * out_width).enumerate() {
            gb[plane % shape.out_channels] += values.iter().sum::<f32>();
        }
    }
}
