//! The GPU kernels of the activations. A function is numbered as `Activation`
//! is, which `activation as u32` gives.

crate::cuda::kernels! {
    source "kernels.cu";

    /// `y = act(x)`, a thread a value.
    fn activation_forward(x: Floats, y: FloatsMut, function: Word);

    /// `y = act(x + bias)`, a thread a value of `[N, channels, pixels]`.
    fn bias_activation_forward(
        x: Floats,
        bias: Floats,
        y: FloatsMut,
        channels: Count,
        pixels: Count,
        function: Word,
    );

    /// `gx` given `y` and `gy`, a thread a value.
    fn activation_backward(y: Floats, gy: Floats, gx: FloatsMut, function: Word);
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::Split;
    use crate::activation::{Activation, activation_backward, activation_forward};
    use crate::cuda::host_kernels;
    use crate::testing::{assert_same, noise};

    #[test]
    fn both_passes_are_those_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for act in [Activation::Identity, Activation::Relu, Activation::Tanh] {
            for len in [1, 255, 256, 1000] {
                let what = format!("{act:?}, {len} values");
                let mut x: Vec<_> = noise(1, len).iter().map(|x| x * 3.0).collect();
                x[len / 2] = f32::NAN;
                let gy = noise(2, len);
                let (mut y, mut wanted) = (vec![0.0; len], vec![0.0; len]);
                on_host::activation_forward(kernels, len, &x, &mut y, act as u32);
                activation_forward(Split::Threads, act, &x, &mut wanted);
                // The CPU kernel has a tanh of its own.
                let tolerance = if act == Activation::Tanh { 3e-7 } else { 0.0 };
                assert_same(&what, &y, &wanted, tolerance);
                let (mut gx, mut wanted_gx) = (vec![0.0; len], gy.clone());
                on_host::activation_backward(kernels, len, &wanted, &gy, &mut gx, act as u32);
                activation_backward(Split::Threads, act, &wanted, &mut wanted_gx);
                assert_same(&what, &gx, &wanted_gx, 0.0);
            }
        }
    }

    #[test]
    fn each_channel_gets_its_bias() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for [batch, channels, pixels] in [[1, 1, 1], [2, 3, 5], [3, 1, 300], [2, 70, 1]] {
            let len = batch * channels * pixels;
            let (x, bias) = (noise(1, len), noise(2, channels));
            let mut y = vec![0.0; len];
            let function = Activation::Relu as u32;
            on_host::bias_activation_forward(
                kernels, len, &x, &bias, &mut y, channels, pixels, function,
            );
            let wanted: Vec<_> = (0..len)
                .map(|i| (x[i] + bias[i / pixels % channels]).max(0.0))
                .collect();
            assert_same(&format!("{channels} x {pixels}"), &y, &wanted, 0.0);
        }
    }
}
