//! The GPU kernels of convolutions: cuDNN has all but this.

crate::cuda::kernels! {
    source "kernels.cu";

    /// Blocks of values, put another distance apart, a thread a value.
    fn copy_blocks(
        from: Floats,
        to: FloatsMut,
        length: Count,
        from_stride: Count,
        to_stride: Count,
    );
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::cuda::host_kernels;
    use crate::testing::noise;

    #[test]
    fn blocks_go_where_they_belong() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for [blocks, length, from_stride, to_stride] in
            [[1, 1, 1, 1], [3, 5, 5, 5], [4, 3, 7, 3], [2, 6, 6, 13]]
        {
            let from = noise(1, blocks * from_stride);
            let mut to = vec![f32::NAN; blocks * to_stride];
            let threads = blocks * length;
            on_host::copy_blocks(
                kernels,
                threads,
                &from,
                &mut to,
                length,
                from_stride,
                to_stride,
            );
            for (i, value) in to.iter().enumerate() {
                let (block, place) = (i / to_stride, i % to_stride);
                match place < length {
                    true => assert_eq!(*value, from[block * from_stride + place]),
                    false => assert!(value.is_nan(), "untouched"),
                }
            }
        }
    }
}
