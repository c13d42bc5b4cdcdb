//! The GPU kernels of response normalisation.

crate::cuda::kernels! {
    source "kernels.cu";

    /// `y` from `x`, a thread a value.
    fn lrn_forward(
        x: Floats,
        y: FloatsMut,
        channels: Count,
        pixels: Count,
        before: Count,
        after: Count,
        factor: Float,
        k: Float,
        beta: Float,
        quarters: Word,
    );

    /// The first half of the gradient, a thread a value.
    fn lrn_backward_shares(
        x: Floats,
        gy: Floats,
        direct: FloatsMut,
        shares: FloatsMut,
        channels: Count,
        pixels: Count,
        before: Count,
        after: Count,
        factor: Float,
        k: Float,
        beta: Float,
        quarters: Word,
    );

    /// The second half, which finishes `gx`, a thread a value.
    fn lrn_backward_gather(
        x: Floats,
        shares: Floats,
        gx: FloatsMut,
        channels: Count,
        pixels: Count,
        before: Count,
        after: Count,
        factor: Float,
    );
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::cuda::{HostKernels, host_kernels};
    use crate::lrn::slices::Terms;
    use crate::testing::{assert_same, noise};
    use crate::{AlphaConvention, Lrn, Split, lrn_backward, lrn_forward};

    fn forward(
        kernels: &HostKernels,
        terms: &Terms,
        [channels, pixels]: [usize; 2],
        x: &[f32],
        y: &mut [f32],
    ) {
        let [before, after] = terms.reach;
        let Terms {
            factor, k, beta, ..
        } = *terms;
        let quarters = terms.quarters as u32;
        on_host::lrn_forward(
            kernels,
            x.len(),
            x,
            y,
            channels,
            pixels,
            before,
            after,
            factor,
            k,
            beta,
            quarters,
        );
    }

    fn backward(
        kernels: &HostKernels,
        terms: &Terms,
        [channels, pixels]: [usize; 2],
        [x, gy]: [&[f32]; 2],
        gx: &mut [f32],
    ) {
        let [before, after] = terms.reach;
        let Terms {
            factor, k, beta, ..
        } = *terms;
        let (mut shares, quarters) = (vec![0.0; x.len()], terms.quarters as u32);
        on_host::lrn_backward_shares(
            kernels,
            x.len(),
            x,
            gy,
            gx,
            &mut shares,
            channels,
            pixels,
            before,
            after,
            factor,
            k,
            beta,
            quarters,
        );
        let factor = terms.gather_factor();
        on_host::lrn_backward_gather(
            kernels,
            x.len(),
            x,
            &shares,
            gx,
            channels,
            pixels,
            before,
            after,
            factor,
        );
    }

    #[test]
    fn both_passes_are_those_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for planes in [[1, 1], [1, 300], [3, 1], [2, 7], [9, 33], [70, 4]] {
            for (size, beta) in [
                (1, 0.75),
                (2, 0.75),
                (5, 0.75),
                (5, 0.5),
                (4, 1.0),
                (5, 0.9),
                (100, 0.75),
            ] {
                for batch in [1, 3] {
                    let what = format!("{batch} of {planes:?}, size {size}, beta {beta}");
                    let lrn = Lrn {
                        size,
                        beta,
                        alpha: 0.3,
                        convention: AlphaConvention::DividedBySize,
                        ..Lrn::default()
                    };
                    let (terms, len) = (Terms::of(&lrn), batch * planes[0] * planes[1]);
                    let x: Vec<_> = noise(1, len).iter().map(|x| x * 20.0).collect();
                    let gy = noise(2, len);
                    // Only the power function differs, in its last bits.
                    let tolerance = if terms.quarters == 0 { 1e-6 } else { 0.0 };
                    let (mut found, mut wanted) = (vec![0.0; len], vec![0.0; len]);
                    forward(kernels, &terms, planes, &x, &mut found);
                    lrn_forward(Split::Threads, &lrn, batch, planes, &x, &mut wanted);
                    assert_same(&what, &found, &wanted, tolerance);
                    backward(kernels, &terms, planes, [&x, &gy], &mut found);
                    lrn_backward(Split::Threads, &lrn, batch, planes, &x, &gy, &mut wanted);
                    assert_same(&what, &found, &wanted, tolerance);
                }
            }
        }
    }

    #[test]
    fn huge_values_do_as_on_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        let (lrn, planes) = (Lrn::default(), [4, 3]);
        let terms = Terms::of(&lrn);
        let x: Vec<_> = noise(1, 12).iter().map(|x| x * 3e38).collect();
        let gy = noise(2, 12);
        let (mut found, mut wanted) = (vec![0.0; 12], vec![0.0; 12]);
        forward(kernels, &terms, planes, &x, &mut found);
        lrn_forward(Split::Threads, &lrn, 1, planes, &x, &mut wanted);
        assert_same("forward", &found, &wanted, 0.0);
        backward(kernels, &terms, planes, [&x, &gy], &mut found);
        lrn_backward(Split::Threads, &lrn, 1, planes, &x, &gy, &mut wanted);
        assert_same("backward", &found, &wanted, 0.0);
    }
}
