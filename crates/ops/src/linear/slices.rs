//! The fully connected layer over plain slices.

use crate::Activation;

/// `y = act(x w^T + bias)`.
///
/// `x` is `[N, I]`, `w` `[O, I]`, `bias` `[O]` and `y` `[N, O]`, which is
/// overwritten.
///
/// # Panics
/// When a slice has another length than the sizes ask for.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
pub fn linear_forward(
    batch: usize,
    inputs: usize,
    outputs: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: &mut [f32],
) {
    assert_eq!(x.len(), batch * inputs, "linear: `x` has the wrong length");
    assert_eq!(
        w.len(),
        outputs * inputs,
        "linear: `w` has the wrong length"
    );
    assert_eq!(y.len(), batch * outputs, "linear: `y` has the wrong length");
    for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
        for (output, (y, w)) in y.iter_mut().zip(w.chunks_exact(inputs)).enumerate() {
            let sum: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            *y = act.apply(sum + bias.map_or(0.0, |bias| bias[output]));
        }
    }
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
    assert_eq!(x.len(), batch * inputs, "linear: `x` has the wrong length");
    assert_eq!(
        w.len(),
        outputs * inputs,
        "linear: `w` has the wrong length"
    );
    assert_eq!(y.len(), batch * outputs, "linear: `y` has the wrong length");
    assert_eq!(
        gy.len(),
        batch * outputs,
        "linear: `gy` has the wrong length"
    );
    assert_eq!(
        gw.len(),
        outputs * inputs,
        "linear: `gw` has the wrong length"
    );
    let gz: Vec<f32> = y
        .iter()
        .zip(gy)
        .map(|(y, gy)| gy * act.derivative(*y))
        .collect();
    gw.fill(0.0);
    for (x, gz) in x.chunks_exact(inputs).zip(gz.chunks_exact(outputs)) {
        for (gw, gz) in gw.chunks_exact_mut(inputs).zip(gz) {
            for (gw, x) in gw.iter_mut().zip(x) {
                *gw += gz * x;
            }
        }
    }
    if let Some(gx) = gx {
        assert_eq!(
            gx.len(),
            batch * inputs,
            "linear: `gx` has the wrong length"
        );
        gx.fill(0.0);
        for (gx, gz) in gx.chunks_exact_mut(inputs).zip(gz.chunks_exact(outputs)) {
            for (w, gz) in w.chunks_exact(inputs).zip(gz) {
                for (gx, w) in gx.iter_mut().zip(w) {
                    *gx += gz * w;
                }
            }
        }
    }
    if let Some(gb) = gb {
        assert_eq!(gb.len(), outputs, "linear: `gb` has the wrong length");
        gb.fill(0.0);
        for gz in gz.chunks_exact(outputs) {
            for (gb, gz) in gb.iter_mut().zip(gz) {
                *gb += gz;
            }
        }
    }
}
