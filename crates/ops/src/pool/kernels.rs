//! The GPU kernels of max-pooling.

crate::cuda::kernels! {
    source "kernels.cu";

    /// `y` and who won, a thread an output.
    fn max_pool2d_forward(
        x: Floats,
        y: FloatsMut,
        winners: WordsMut,
        height: Count,
        width: Count,
        rows: Count,
        columns: Count,
        kernel_height: Count,
        kernel_width: Count,
        stride_height: Count,
        stride_width: Count,
        padding_height: Count,
        padding_width: Count,
    );

    /// `gx` from `gy` and who won, a thread an input.
    fn max_pool2d_backward(
        winners: Words,
        gy: Floats,
        gx: FloatsMut,
        height: Count,
        width: Count,
        rows: Count,
        columns: Count,
        kernel_height: Count,
        kernel_width: Count,
        stride_height: Count,
        stride_width: Count,
        padding_height: Count,
        padding_width: Count,
    );
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::cuda::{HostKernels, host_kernels};
    use crate::testing::{assert_same, noise};
    use crate::{PoolShape, max_pool2d_backward, max_pool2d_forward};

    /// Overlapping or not, windows apart, padding, one channel, one column.
    const SHAPES: [(usize, [[usize; 2]; 4]); 9] = [
        (1, [[1, 1], [1, 1], [0, 0], [1, 1]]),
        (1, [[2, 2], [2, 2], [0, 0], [8, 8]]),
        (3, [[3, 3], [2, 2], [0, 0], [13, 13]]),
        (2, [[3, 3], [2, 2], [1, 1], [32, 31]]),
        (2, [[2, 3], [5, 4], [1, 1], [17, 9]]),
        (5, [[3, 1], [1, 1], [1, 0], [6, 1]]),
        (1, [[1, 4], [1, 3], [0, 2], [1, 19]]),
        (2, [[4, 4], [9, 9], [2, 2], [1, 1]]),
        (1, [[7, 7], [1, 1], [3, 3], [9, 8]]),
    ];

    fn forward(
        kernels: &HostKernels,
        shape: &PoolShape,
        x: &[f32],
        y: &mut [f32],
        winners: &mut [u32],
    ) {
        let PoolShape {
            input,
            kernel,
            stride,
            padding,
            ..
        } = *shape;
        let [rows, columns] = shape.output();
        let [[sy, sx], [py, px]] = [stride, padding];
        on_host::max_pool2d_forward(
            kernels,
            y.len(),
            x,
            y,
            winners,
            input[0],
            input[1],
            rows,
            columns,
            kernel[0],
            kernel[1],
            sy,
            sx,
            py,
            px,
        );
    }

    fn backward(
        kernels: &HostKernels,
        shape: &PoolShape,
        winners: &[u32],
        gy: &[f32],
        gx: &mut [f32],
    ) {
        let PoolShape {
            input,
            kernel,
            stride,
            padding,
            ..
        } = *shape;
        let [rows, columns] = shape.output();
        let [[sy, sx], [py, px]] = [stride, padding];
        on_host::max_pool2d_backward(
            kernels,
            gx.len(),
            winners,
            gy,
            gx,
            input[0],
            input[1],
            rows,
            columns,
            kernel[0],
            kernel[1],
            sy,
            sx,
            py,
            px,
        );
    }

    /// Values with many equals, so that the first must win.
    fn coarse(seed: u64, len: usize) -> Vec<f32> {
        noise(seed, len).iter().map(|x| (x * 3.0).round()).collect()
    }

    fn with_nans(mut values: Vec<f32>) -> Vec<f32> {
        values
            .iter_mut()
            .step_by(5)
            .for_each(|value| *value = f32::NAN);
        values
    }

    #[test]
    fn both_passes_are_those_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for (channels, [kernel, stride, padding, input]) in SHAPES {
            for batch in [1, 3] {
                let shape = PoolShape::new(channels, kernel, stride, padding, input);
                let shape = shape.expect("a valid shape");
                let [from, to] = [batch * shape.input_len(), batch * shape.output_len()];
                let infinite = vec![f32::NEG_INFINITY; from];
                for x in [coarse(1, from), with_nans(noise(2, from)), infinite] {
                    let what = format!("{batch} of {shape:?}");
                    let (mut y, mut wanted) = (vec![0.0; to], vec![0.0; to]);
                    let (mut won, mut wanted_won) = (vec![0; to], vec![0; to]);
                    forward(kernels, &shape, &x, &mut y, &mut won);
                    max_pool2d_forward(&shape, batch, &x, &mut wanted, Some(&mut wanted_won));
                    assert_same(&what, &y, &wanted, 0.0);
                    assert_eq!(won, wanted_won, "{what}");
                    let gy = noise(3, to);
                    let (mut gx, mut wanted) = (vec![0.0; from], vec![0.0; from]);
                    backward(kernels, &shape, &won, &gy, &mut gx);
                    max_pool2d_backward(&shape, batch, &won, &gy, &mut wanted);
                    assert_same(&what, &gx, &wanted, 0.0);
                }
            }
        }
    }
}
