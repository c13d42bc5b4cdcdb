//! The GPU kernel of dropout.

crate::cuda::kernels! {
    source "kernels.cu";

    /// Both directions, a thread a value.
    fn dropout_apply(
        from: Floats,
        to: FloatsMut,
        key: Key,
        first: Count,
        threshold: Word,
        scale: Float,
    );
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::cuda::host_kernels;
    use crate::dropout::slices::threshold_and_scale;
    use crate::dropout::{Mask, dropout_forward};
    use crate::testing::{assert_same, noise};

    #[test]
    fn the_masks_are_those_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for (p, key) in [(0.5, 0), (0.1, u64::MAX), (0.0, 7), (0.999_999_999_99, 3)] {
            for len in [1, 255, 4096, 4097, 20_000] {
                let mut x = noise(key, len);
                x[len / 2] = f32::NAN;
                let (mut y, mut wanted) = (vec![0.0; len], vec![0.0; len]);
                let (threshold, scale) = threshold_and_scale(p);
                for first in [0, 4095, 5000] {
                    let mask = Mask { key, first };
                    on_host::dropout_apply(kernels, len, &x, &mut y, key, first, threshold, scale);
                    dropout_forward(p, mask, &x, &mut wanted);
                    let case = format!("{p}, {len} values from {first}");
                    assert_same(&case, &y, &wanted, 0.0);
                }
            }
        }
    }
}
