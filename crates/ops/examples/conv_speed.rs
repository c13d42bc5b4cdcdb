//! GFLOP/s of each convolution and linear layer of the paper's two networks,
//! beside a large matrix product of candle's, measured in one process.
//!
//! Operations are the usual count, padding included; the kernels skip padding,
//! so that their figure can exceed what the processor computes.
//!
//! `cargo run --release -p ablate-ops --example conv_speed [-- ROUNDS [bf16]]`

use std::time::Instant;

use ablate_ops::{Activation, ConvPlan, ConvShape, Lanes, LinearPlan, Precision, conv2d_forward};
use candle_core::{Device, Result, Tensor};

/// Channels, groups, kernel, stride, padding, input.
type Sizes = ([usize; 2], usize, usize, usize, usize, usize);

const NETS: [(&str, usize, &[Sizes]); 2] = [
    (
        "four layers, batch 128",
        128,
        &[
            ([3, 32], 1, 5, 1, 2, 32),
            ([32, 32], 1, 5, 1, 2, 16),
            ([32, 64], 1, 5, 1, 2, 8),
        ],
    ),
    (
        "AlexNet, batch 64",
        64,
        &[
            ([3, 96], 1, 11, 4, 2, 224),
            ([96, 256], 2, 5, 1, 2, 27),
            ([256, 384], 1, 3, 1, 1, 13),
            ([384, 384], 2, 3, 1, 1, 13),
            ([384, 256], 2, 3, 1, 1, 13),
        ],
    ),
];

/// Name, batch, inputs, outputs.
const LINEAR: [(&str, usize, usize, usize); 4] = [
    ("four layers", 128, 1024, 10),
    ("AlexNet fc6", 64, 9216, 4096),
    ("AlexNet fc7", 64, 4096, 4096),
    ("AlexNet fc8", 64, 4096, 1000),
];

/// Seconds of the fastest of several runs, since other programs only slow one down.
fn fastest(rounds: usize, mut run: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn matmul_speed(rounds: usize) -> Result<f64> {
    const SIZE: usize = 1536;
    let matrix = Tensor::randn(0f32, 1.0, (SIZE, SIZE), &Device::Cpu)?;
    let mut outcome = Ok(());
    let seconds = fastest(rounds, || outcome = matrix.matmul(&matrix).map(drop));
    outcome?;
    Ok(2.0 * (SIZE as f64).powi(3) / seconds / 1e9)
}

fn noise(len: usize) -> Vec<f32> {
    (0..len)
        .map(|i| (i * 2_654_435_761 % 1009) as f32 / 1009.0 - 0.5)
        .collect()
}

fn lanes(len: usize) -> Vec<Lanes> {
    let mut lanes = vec![Lanes::ZERO; len];
    Lanes::as_floats_mut(&mut lanes).copy_from_slice(&noise(len * 16));
    lanes
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let rounds = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => 7,
    };
    let precision = match std::env::args().nth(2).as_deref() {
        Some("bf16") => Precision::Bf16,
        _ => Precision::F32,
    };
    println!("threads: {}", rayon::current_num_threads());
    for (name, batch, layers) in NETS {
        println!(
            "{name}\n  layer   GEMM | forward  input gradient  weight gradient | forward in NCHW"
        );
        let (mut forward_time, mut backward_time) = (0.0, 0.0);
        for (index, (channels, groups, kernel, stride, padding, input)) in layers.iter().enumerate()
        {
            let shape = ConvShape::new(
                *channels,
                *groups,
                [*kernel; 2],
                [*stride; 2],
                [*padding; 2],
                [*input; 2],
            )?;
            let blocks = Lanes::blocks(batch);
            let w = noise(shape.weight_len());
            let bias = noise(shape.out_channels);
            let x = lanes(blocks * shape.input_len());
            let mut y = lanes(blocks * shape.output_len());
            let mut gx = x.clone();
            let mut gw = vec![0.0; w.len()];
            let mut plan = ConvPlan::new(shape, precision)?;
            let gemm = matmul_speed(rounds)?;
            let forward = fastest(rounds, || {
                plan.pack_forward(&w);
                plan.forward(&x, Some(&bias), Activation::Relu, &mut y);
            });
            let input_gradient = fastest(rounds, || {
                plan.pack_backward(&w);
                plan.input_gradient(&y, &mut gx);
            });
            let weight_gradient = fastest(rounds, || plan.add_weight_gradient(&x, &y, &mut gw));
            let images = noise(batch * shape.input_len());
            let mut out = vec![0.0; batch * shape.output_len()];
            let plain = fastest(rounds, || {
                let act = Activation::Relu;
                let bias = Some(bias.as_slice());
                conv2d_forward(precision, &shape, batch, &images, &w, bias, act, &mut out);
            });
            let rate = |seconds: f64| 2e-9 * (shape.multiply_adds() * batch) as f64 / seconds;
            println!(
                "  conv{}  {gemm:5.0} | {:7.0}  {:14.0}  {:15.0} | {:7.0}",
                index + 1,
                rate(forward),
                rate(input_gradient),
                rate(weight_gradient),
                rate(plain),
            );
            forward_time += forward;
            backward_time += weight_gradient + if index > 0 { input_gradient } else { 0.0 };
        }
        println!(
            "  convolutions alone: {:.0} images/s forward, {:.0} training",
            batch as f64 / forward_time,
            batch as f64 / (forward_time + backward_time)
        );
    }
    println!("linear       GEMM | forward  input gradient  weight gradient");
    for (name, batch, inputs, outputs) in LINEAR {
        let plan = LinearPlan::new(inputs, outputs, precision);
        let blocks = Lanes::blocks(batch);
        let (w, bias) = (noise(inputs * outputs), noise(outputs));
        let (x, mut y) = (lanes(blocks * inputs), lanes(blocks * outputs));
        let mut gx = x.clone();
        let mut gw = lanes(w.len().div_ceil(16));
        let gw = &mut Lanes::as_floats_mut(&mut gw)[..w.len()];
        let rate =
            |run: &mut dyn FnMut()| 2e-9 * (batch * inputs * outputs) as f64 / fastest(rounds, run);
        println!(
            "{name:11} {:5.0} | {:7.0}  {:14.0}  {:15.0}",
            matmul_speed(rounds)?,
            rate(&mut || plan.forward(&x, &w, Some(&bias), Activation::Relu, &mut y)),
            rate(&mut || plan.input_gradient(&y, &w, &mut gx)),
            rate(&mut || plan.weight_gradient(batch, &x, &y, gw)),
        );
    }
    Ok(())
}
