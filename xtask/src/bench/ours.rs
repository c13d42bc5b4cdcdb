//! Times of this workspace's own kernels, over plain slices `[N, C, H, W]`.

use ablate_ops::{
    Activation, ConvShape, Lrn, PoolShape, Precision, Split, conv2d_backward, conv2d_forward,
    linear_backward, linear_forward, lrn_backward, lrn_forward, max_pool2d_backward,
    max_pool2d_forward,
};
use anyhow::{Result, bail};

use super::case::{Case, Pass, Work};
use super::measure::Limits;
use super::step;

/// The seconds of each run of a case.
///
/// # Errors
/// The sizes do not fit, or a network cannot be built.
pub fn time(case: &Case, limits: &Limits) -> Result<Vec<f64>> {
    let work = &case.work;
    let [channels, height, width] = match case.input[..] {
        [channels, height, width] => [channels, height, width],
        [features] => [features, 1, 1],
        _ => bail!("`{}` has an input of shape {:?}", case.name, case.input),
    };
    match *work {
        Work::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            groups,
        } => {
            let shape = ConvShape::new(
                [channels, filters],
                groups,
                [kernel; 2],
                [stride; 2],
                [padding; 2],
                [height, width],
            )?;
            conv2d(case, &shape, limits)
        }
        Work::Linear { outputs } => linear(case, [channels, outputs], limits),
        Work::MaxPool2d {
            kernel,
            stride,
            padding,
        } => {
            let (stride, padding) = ([stride; 2], [padding; 2]);
            let shape = PoolShape::new(channels, [kernel; 2], stride, padding, [height, width])?;
            max_pool2d(case, &shape, limits)
        }
        Work::ResponseNorm {
            size,
            alpha,
            beta,
            k,
        } => {
            let lrn = Lrn {
                size,
                alpha,
                beta,
                k,
                ..Lrn::default()
            };
            response_norm(case, &lrn, [channels, height * width], limits)
        }
        Work::Network { network, .. } => step::time(network, case, limits),
    }
}

fn conv2d(case: &Case, shape: &ConvShape, limits: &Limits) -> Result<Vec<f64>> {
    const ACT: Activation = Activation::Identity;
    let precision = operands(case);
    let n = case.batch;
    let (x, w) = (noise(n * shape.input_len()), noise(shape.weight_len()));
    let bias = vec![0.0; shape.out_channels];
    let mut y = noise(n * shape.output_len());
    if case.pass == Pass::Forward {
        return limits.time(|| {
            conv2d_forward(precision, shape, n, &x, &w, Some(&bias), ACT, &mut y);
            Ok(())
        });
    }
    let (mut gw, mut gb) = (vec![0.0; w.len()], vec![0.0; bias.len()]);
    let mut gx = (!case.sees_image()).then(|| vec![0.0; x.len()]);
    limits.time(|| {
        let gx = gx.as_deref_mut();
        conv2d_backward(
            precision,
            shape,
            n,
            &x,
            &w,
            &y,
            &y,
            ACT,
            gx,
            &mut gw,
            Some(&mut gb),
        );
        Ok(())
    })
}

fn linear(case: &Case, [inputs, outputs]: [usize; 2], limits: &Limits) -> Result<Vec<f64>> {
    const ACT: Activation = Activation::Identity;
    let precision = operands(case);
    let n = case.batch;
    let (x, w) = (noise(n * inputs), noise(inputs * outputs));
    let bias = vec![0.0; outputs];
    let mut y = noise(n * outputs);
    if case.pass == Pass::Forward {
        return limits.time(|| {
            linear_forward(
                precision,
                n,
                inputs,
                outputs,
                &x,
                &w,
                Some(&bias),
                ACT,
                &mut y,
            );
            Ok(())
        });
    }
    let (mut gx, mut gw, mut gb) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; outputs]);
    limits.time(|| {
        let (gx, gb) = (Some(&mut gx[..]), Some(&mut gb[..]));
        linear_backward(
            precision, n, inputs, outputs, &x, &w, &y, &y, ACT, gx, &mut gw, gb,
        );
        Ok(())
    })
}

fn max_pool2d(case: &Case, shape: &PoolShape, limits: &Limits) -> Result<Vec<f64>> {
    let n = case.batch;
    let x = noise(n * shape.input_len());
    let mut y = vec![0.0; n * shape.output_len()];
    let mut winners = vec![0; y.len()];
    let mut forward = || max_pool2d_forward(shape, n, &x, &mut y, Some(&mut winners));
    if case.pass == Pass::Forward {
        return limits.time(|| {
            forward();
            Ok(())
        });
    }
    forward();
    let mut gx = vec![0.0; x.len()];
    limits.time(|| {
        max_pool2d_backward(shape, n, &winners, &y, &mut gx);
        Ok(())
    })
}

fn response_norm(case: &Case, lrn: &Lrn, planes: [usize; 2], limits: &Limits) -> Result<Vec<f64>> {
    let n = case.batch;
    let x = noise(n * planes[0] * planes[1]);
    let mut out = vec![0.0; x.len()];
    if case.pass == Pass::Forward {
        return limits.time(|| {
            lrn_forward(Split::Threads, lrn, n, planes, &x, &mut out);
            Ok(())
        });
    }
    let gy = noise(x.len());
    limits.time(|| {
        lrn_backward(Split::Threads, lrn, n, planes, &x, &gy, &mut out);
        Ok(())
    })
}

/// What the kernels call the case's precision.
fn operands(case: &Case) -> Precision {
    match case.precision {
        ablate_core::Precision::F32 => Precision::F32,
        ablate_core::Precision::Bf16 => Precision::Bf16,
    }
}

/// Some numbers in -1..1: zeros or denormals would be another workload.
fn noise(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}
