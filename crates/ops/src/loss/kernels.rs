//! The GPU kernels of the loss.

crate::cuda::kernels! {
    source "kernels.cu";

    /// Each lane's part of its row's sums, `[rows, LOSS_LANES, 3]`.
    fn cross_entropy_parts(
        logits: Floats,
        targets: Words,
        parts: DoublesMut,
        classes: Count,
    );

    /// Each row's terms, `[rows, 3]`, and its loss.
    fn cross_entropy_rows(
        logits: Floats,
        targets: Words,
        parts: Doubles,
        terms: DoublesMut,
        losses: DoublesMut,
        classes: Count,
    );

    /// The mean of losses, by one thread.
    fn cross_entropy_mean(losses: Doubles, mean: FloatsMut, rows: Count);

    /// The gradient of the logits given that of the mean, a thread a value.
    fn cross_entropy_backward(
        logits: Floats,
        targets: Words,
        terms: Doubles,
        gradient: Floats,
        gx: FloatsMut,
        classes: Count,
    );
}

/// Lanes that a row is dealt out to, as in the source.
pub(super) const LOSS_LANES: usize = 32;

#[cfg(test)]
mod tests {
    use candle_core::{Device, Result, Tensor, Var};

    use super::{LOSS_LANES, on_host};
    use crate::cross_entropy;
    use crate::cuda::{HostKernels, host_kernels};
    use crate::testing::{assert_same, noise};

    /// The losses and terms of rows.
    fn rows_of(
        kernels: &HostKernels,
        logits: &[f32],
        targets: &[u32],
        classes: usize,
    ) -> (Vec<f64>, Vec<f64>) {
        let rows = targets.len();
        let mut parts = vec![0.0; 3 * LOSS_LANES * rows];
        let threads = rows * LOSS_LANES;
        on_host::cross_entropy_parts(kernels, threads, logits, targets, &mut parts, classes);
        let (mut terms, mut losses) = (vec![0.0; 3 * rows], vec![0.0; rows]);
        on_host::cross_entropy_rows(
            kernels,
            rows,
            logits,
            targets,
            &parts,
            &mut terms,
            &mut losses,
            classes,
        );
        (losses, terms)
    }

    #[test]
    fn loss_and_gradient_are_those_of_the_cpu() -> Result<()> {
        let Some(kernels) = host_kernels() else {
            return Ok(());
        };
        for [rows, classes] in [
            [1, 1],
            [1, 10],
            [3, 2],
            [128, 7],
            [300, 10],
            [5, 33],
            [2, 1000],
        ] {
            for scale in [1.0, 300.0] {
                let what = format!("{rows} x {classes}, logits up to {scale}");
                let values = noise(1, rows * classes);
                let logits: Vec<_> = values.iter().map(|x| x * scale).collect();
                let targets: Vec<_> = (0..rows).map(|i| (i * 5 % classes) as u32).collect();
                let on_cpu = Var::from_slice(&logits, (rows, classes), &Device::Cpu)?;
                let of_cpu = Tensor::from_slice(&targets, rows, &Device::Cpu)?;
                let loss = cross_entropy(&on_cpu, &of_cpu)?;
                let gradients = (&loss * 3.0)?.backward()?;
                let wanted_gx = gradients.get(&on_cpu).expect("a gradient");
                let wanted_gx = wanted_gx.flatten_all()?.to_vec1::<f32>()?;

                let (losses, terms) = rows_of(kernels, &logits, &targets, classes);
                let mut mean = [0.0];
                on_host::cross_entropy_mean(kernels, 1, &losses, &mut mean, rows);
                assert_same(&what, &mean, &[loss.to_scalar()?], 1e-7);
                let mut gx = vec![0.0; logits.len()];
                on_host::cross_entropy_backward(
                    kernels,
                    logits.len(),
                    &logits,
                    &targets,
                    &terms,
                    &[3.0],
                    &mut gx,
                    classes,
                );
                assert_same(&what, &gx, &wanted_gx, 1e-7);
            }
        }
        Ok(())
    }

    #[test]
    fn a_diverged_row_shows() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for bad in [f32::NAN, f32::INFINITY] {
            let logits = [0.5, bad, 0.0, 1.0, 2.0, 3.0];
            let (losses, _) = rows_of(kernels, &logits, &[0, 1], 3);
            assert!(losses[0].is_nan() && losses[1].is_finite(), "{losses:?}");
        }
    }
}
