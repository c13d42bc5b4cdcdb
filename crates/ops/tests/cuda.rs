//! Every operation on a GPU against the same on the CPU. Needs the feature
//! `cuda`; without a GPU each test says so and returns.
#![cfg(feature = "cuda")]

use ablate_ops::{
    Activation, AdamStep, Conv2dConfig, Lrn, Mask, Precision, Staging, activation, adam, conv2d,
    cross_entropy, dropout, linear, local_response_norm, max_pool2d, sgd, sgd_paper,
};
use candle_core::{Device, Result, Tensor, Var};

fn gpu() -> Option<Device> {
    match ablate_ops::gpu(0) {
        Ok(device) => Some(device),
        Err(error) => {
            eprintln!("skipped: no GPU ({error})");
            None
        }
    }
}

/// Numbers in -1..1 that depend on `seed` and the shape alone.
fn noise(seed: u64, shape: &[usize]) -> Result<Tensor> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// The L2 norm of the difference over that of `wanted`.
fn distance(found: &Tensor, wanted: &Tensor) -> Result<f32> {
    let norm = |tensor: Tensor| tensor.sqr()?.sum_all()?.to_scalar::<f32>();
    let found = found.to_device(&Device::Cpu)?;
    Ok((norm((found - wanted)?)? / norm(wanted.clone())?.max(1e-30)).sqrt())
}

/// Fails unless `f` and its gradients are the same on both devices.
fn assert_agrees(
    what: &str,
    operands: &[Tensor],
    tolerance: f32,
    f: impl Fn(&[Var]) -> Result<Tensor>,
) -> Result<()> {
    let Some(gpu) = gpu() else {
        return Ok(());
    };
    let run = |device: &Device| -> Result<Vec<Tensor>> {
        let vars: Vec<Var> = operands
            .iter()
            .map(|tensor| Var::from_tensor(&tensor.to_device(device)?))
            .collect::<Result<_>>()?;
        let y = f(&vars)?;
        let weights = noise(99, y.dims())?.to_device(device)?;
        let gradients = (&y * weights)?.sum_all()?.backward()?;
        let of = |var: &Var| gradients.get(var).cloned().expect("a gradient");
        Ok([y].into_iter().chain(vars.iter().map(of)).collect())
    };
    for (index, (found, wanted)) in run(&gpu)?.iter().zip(run(&Device::Cpu)?).enumerate() {
        let distance = distance(found, &wanted)?;
        println!("{what}: result {index} is off by {distance:.1e}");
        assert!(
            distance <= tolerance,
            "{what}: result {index} is off by {distance:.1e}"
        );
    }
    Ok(())
}

#[test]
fn convolution() -> Result<()> {
    for groups in [1, 2] {
        for [stride, padding] in [[1, 0], [4, 2], [3, 1]] {
            for activation in [Activation::Identity, Activation::Relu, Activation::Tanh] {
                let config = Conv2dConfig {
                    stride: [stride, stride],
                    padding: [padding, padding],
                    groups,
                    activation,
                    precision: Precision::F32,
                };
                let operands = [
                    noise(1, &[3, 4, 13, 11])?,
                    noise(2, &[6, 4 / groups, 5, 5])?,
                    noise(3, &[6])?,
                ];
                assert_agrees(&format!("{config:?}"), &operands, 1e-5, |of| {
                    conv2d(&of[0], &of[1], Some(&of[2]), config)
                })?;
            }
        }
    }
    Ok(())
}

/// For sizes of their own, cuDNN has algorithms of their own.
#[test]
fn the_papers_convolutions() -> Result<()> {
    for ([inputs, outputs], kernel, [stride, padding], groups, side) in [
        ([3, 96], 11, [4, 2], 1, 224),
        ([96, 256], 5, [1, 2], 2, 27),
        ([256, 384], 3, [1, 1], 1, 13),
        ([384, 384], 3, [1, 1], 2, 13),
        ([384, 256], 3, [1, 1], 2, 13),
    ] {
        let config = Conv2dConfig {
            stride: [stride; 2],
            padding: [padding; 2],
            groups,
            // A sum near zero may round to either side of it, where ReLU's gradient jumps.
            activation: Activation::Identity,
            precision: Precision::F32,
        };
        let operands = [
            noise(1, &[32, inputs, side, side])?,
            noise(2, &[outputs, inputs / groups, kernel, kernel])?,
            noise(3, &[outputs])?,
        ];
        assert_agrees(&format!("{config:?}"), &operands, 1e-5, |of| {
            conv2d(&of[0], &of[1], Some(&of[2]), config)
        })?;
    }
    Ok(())
}

#[test]
fn linear_layers() -> Result<()> {
    let operands = [noise(1, &[7, 33])?, noise(2, &[10, 33])?, noise(3, &[10])?];
    assert_agrees("linear", &operands, 1e-5, |of| {
        linear(
            &of[0],
            &of[1],
            Some(&of[2]),
            Activation::Tanh,
            Precision::F32,
        )
    })
}

#[test]
fn response_normalisation() -> Result<()> {
    let x = [(noise(1, &[3, 9, 5, 7])? * 20.0)?];
    for (beta, tolerance) in [(0.75, 0.0), (0.9, 1e-6)] {
        let lrn = Lrn {
            beta,
            ..Lrn::default()
        };
        assert_agrees("lrn", &x, tolerance, |of| local_response_norm(&of[0], &lrn))?;
    }
    Ok(())
}

#[test]
fn pooling_dropout_and_activations() -> Result<()> {
    let x = [noise(1, &[3, 5, 13, 12])?];
    for [kernel, stride, padding] in [[3, 2, 0], [3, 2, 1], [2, 3, 0]] {
        assert_agrees("max-pool", &x, 0.0, |of| {
            max_pool2d(&of[0], [kernel; 2], [stride; 2], [padding; 2])
        })?;
    }
    assert_agrees("dropout", &x, 0.0, |of| dropout(&of[0], 0.3, Mask::new(17)))?;
    assert_agrees("relu", &x, 0.0, |of| activation(&of[0], Activation::Relu))?;
    assert_agrees("tanh", &x, 1e-6, |of| activation(&of[0], Activation::Tanh))
}

#[test]
fn loss() -> Result<()> {
    let targets = Tensor::new(&[3u32, 0, 9, 1, 3], &Device::Cpu)?;
    let logits = [(noise(1, &[5, 10])? * 5.0)?];
    assert_agrees("loss", &logits, 1e-6, |of| cross_entropy(&of[0], &targets))
}

#[test]
fn updates() -> Result<()> {
    let Some(gpu) = gpu() else {
        return Ok(());
    };
    let run = |device: &Device| -> Result<Vec<Tensor>> {
        let of = |seed| noise(seed, &[31, 33])?.to_device(device);
        let (w, v, g) = (of(1)?, of(2)?.abs()?, of(3)?);
        sgd_paper(&w, &v, &g, 0.1, 0.9, 0.05)?;
        sgd(&w, &v, &g, 0.1, 0.9, 0.05)?;
        let (mean, square) = (of(4)?, of(5)?.abs()?);
        let step = AdamStep {
            lr: 0.1,
            beta1: 0.9,
            beta2: 0.99,
            eps: 1e-8,
            weight_decay: 0.05,
            step: 3,
            decoupled: true,
        };
        adam(&w, &mean, &square, &g, step)?;
        Ok(vec![w, v, mean, square])
    };
    for (found, wanted) in run(&gpu)?.iter().zip(run(&Device::Cpu)?) {
        assert_eq!(distance(found, &wanted)?, 0.0);
    }
    Ok(())
}

/// Tensors that are copied while the GPU is behind with work on earlier ones, whose memory
/// is then used again.
#[test]
fn what_is_copied_beside_work_arrives_whole() -> Result<()> {
    let Some(gpu) = gpu() else {
        return Ok(());
    };
    let staging = Staging::new(&gpu)?;
    let busy = noise(1, &[4096, 4096])?.to_device(&gpu)?;
    let extremes = std::thread::scope(|scope| -> Result<Vec<(usize, [Tensor; 2])>> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        for lane in 0..3 {
            let (sender, staging) = (sender.clone(), &staging);
            scope.spawn(move || {
                for number in (lane..90).step_by(3) {
                    let shape = [2 + number % 2, 1 << 20];
                    let made = staging.tensor(&shape, |values| {
                        values.fill(number as f32);
                        Ok::<_, candle_core::Error>(number)
                    });
                    if sender.send(made).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let used = receiver.iter().map(|made| {
            let (tensor, number) = made?;
            for _ in 0..3 {
                busy.matmul(&busy)?;
            }
            let values = tensor.flatten_all()?;
            Ok((number, [values.min(0)?, values.max(0)?]))
        });
        used.collect()
    })?;
    assert_eq!(extremes.len(), 90);
    for (number, [least, greatest]) in extremes {
        let found = [least.to_scalar::<f32>()?, greatest.to_scalar::<f32>()?];
        assert_eq!(found, [number as f32; 2]);
    }
    Ok(())
}
