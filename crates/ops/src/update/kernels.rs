//! The GPU kernels of the update rules.

crate::cuda::kernels! {
    source "kernels.cu";

    /// One step of the paper's rule, a thread a value.
    fn sgd_paper_update(
        w: FloatsMut,
        v: FloatsMut,
        g: Floats,
        momentum: Float,
        decay: Float,
        lr: Float,
    );

    /// One step of PyTorch's rule, a thread a value.
    fn sgd_update(
        w: FloatsMut,
        v: FloatsMut,
        g: Floats,
        momentum: Float,
        decay: Float,
        lr: Float,
    );

    /// One step of Adam, a thread a value.
    fn adam_update(
        w: FloatsMut,
        m: FloatsMut,
        v: FloatsMut,
        g: Floats,
        keep: Float,
        decay: Float,
        old_mean: Float,
        new_mean: Float,
        old_square: Float,
        new_square: Float,
        root: Float,
        eps: Float,
        rate: Float,
    );
}

#[cfg(test)]
mod tests {
    use super::on_host;
    use crate::cuda::host_kernels;
    use crate::testing::{assert_same, noise};
    use crate::update::adam::Factors;
    use crate::{AdamStep, adam_slices, sgd_paper_slices, sgd_slices};

    const LENGTHS: [usize; 4] = [1, 255, 256, 1000];

    #[test]
    fn both_rules_of_sgd_are_those_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        let [lr, momentum, decay] = [0.1, 0.9, 0.05];
        for len in LENGTHS {
            let (start, speed, g) = (noise(1, len), noise(2, len), noise(3, len));
            let (mut w, mut v) = (start.clone(), speed.clone());
            let (mut wanted_w, mut wanted_v) = (start.clone(), speed.clone());
            sgd_paper_slices(&mut wanted_w, &mut wanted_v, &g, lr, momentum, decay);
            let [m, d, l] = [momentum, decay * lr, lr].map(|factor| factor as f32);
            on_host::sgd_paper_update(kernels, len, &mut w, &mut v, &g, m, d, l);
            assert_same("w", &w, &wanted_w, 0.0);
            assert_same("v", &v, &wanted_v, 0.0);

            sgd_slices(&mut wanted_w, &mut wanted_v, &g, lr, momentum, decay);
            let [m, d, l] = [momentum, decay, lr].map(|factor| factor as f32);
            on_host::sgd_update(kernels, len, &mut w, &mut v, &g, m, d, l);
            assert_same("w", &w, &wanted_w, 0.0);
            assert_same("v", &v, &wanted_v, 0.0);
        }
    }

    #[test]
    fn adam_is_that_of_the_cpu() {
        let Some(kernels) = host_kernels() else {
            return;
        };
        for (len, decoupled) in LENGTHS.into_iter().zip([true, false, true, false]) {
            let step = AdamStep {
                lr: 0.1,
                beta1: 0.9,
                beta2: 0.99,
                eps: 1e-8,
                weight_decay: 0.05,
                step: 3,
                decoupled,
            };
            let square: Vec<_> = noise(3, len).iter().map(|v| v.abs()).collect();
            let (mut w, mut m, mut v) = (noise(1, len), noise(2, len), square);
            let (mut wanted_w, mut wanted_m, mut wanted_v) = (w.clone(), m.clone(), v.clone());
            let g = noise(4, len);
            adam_slices(&mut wanted_w, &mut wanted_m, &mut wanted_v, &g, step);
            let Factors {
                keep,
                decay,
                mean,
                square,
                root,
                eps,
                rate,
            } = Factors::of(step);
            on_host::adam_update(
                kernels, len, &mut w, &mut m, &mut v, &g, keep, decay, mean[0], mean[1], square[0],
                square[1], root, eps, rate,
            );
            assert_same("w", &w, &wanted_w, 0.0);
            assert_same("m", &m, &wanted_m, 0.0);
            assert_same("v", &v, &wanted_v, 0.0);
        }
    }
}
