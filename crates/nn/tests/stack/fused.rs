//! The fused operation against the chain of candle operations, finite
//! differences, and itself under every circumstance.

use ablate_core::{Gradients, Pass, Precision, Result, Stream};
use ablate_ops::Activation;
use candle_core::{DType, Tensor};

use crate::networks::{LRN, build, cases, distance, images, loss, results, typical, values};

fn training(step: usize) -> Pass {
    Pass::train(Stream::new(11).at(step))
}

#[test]
fn agrees_with_the_chain_in_every_network_and_batch() -> Result<()> {
    for case in cases()? {
        for batch in [1, 5, 16, 19, 40] {
            let images = images(batch, 1)?;
            let fused = results(&case, &images, &training(0), true)?;
            let chain = results(&case, &images, &training(0), false)?;
            assert_eq!(
                fused.keys().collect::<Vec<_>>(),
                chain.keys().collect::<Vec<_>>(),
                "{}",
                case.name
            );
            for (name, expected) in &chain {
                let distance = distance(&fused[name], expected);
                assert!(
                    distance <= 1e-6,
                    "{}, batch {batch}: `{name}` is off by {distance:.1e}",
                    case.name
                );
            }
        }
    }
    Ok(())
}

#[test]
fn agrees_with_the_chain_in_bfloat16() -> Result<()> {
    for case in cases()? {
        // One block alone, an even and an odd number of blocks.
        for batch in [5, 32, 40] {
            let images = images(batch, 1)?;
            let pass = || training(0).with_precision(Precision::Bf16);
            let fused = results(&case, &images, &pass(), true)?;
            let chain = results(&case, &images, &pass(), false)?;
            let exact = results(&case, &images, &training(0), false)?;
            for (name, expected) in &chain {
                // Where two orders of adding up fall on different sides of a
                // tie, one operand differs by a 256th.
                let off = distance(&fused[name], expected);
                assert!(
                    off <= 2e-3,
                    "{}, batch {batch}: `{name}` is off by {off:.1e}",
                    case.name
                );
            }
            // Gradients may go another way where values nearly tie in a
            // pooling, but the output may not.
            let rounded = distance(&chain["output"], &exact["output"]);
            assert!(
                rounded <= 0.02,
                "{}, batch {batch}: the output is {rounded:.1e} from float32",
                case.name
            );
            let differs = |name: &String| distance(&chain[name], &exact[name]) > 1e-5;
            let multiplies = chain.keys().any(|name| name.ends_with("weight"));
            assert!(
                chain.keys().any(differs) == multiplies,
                "{}: was anything rounded?",
                case.name
            );
        }
    }
    Ok(())
}

#[test]
fn evaluation_agrees_with_the_chain_and_keeps_no_graph() -> Result<()> {
    for case in cases()? {
        let images = images(19, 1)?;
        let fused = case.stack.forward(&images, &Pass::evaluate())?;
        let chain = case.stack.forward_unfused(&images, &Pass::evaluate())?;
        assert!(!fused.track_op() && !chain.track_op(), "{}", case.name);
        assert_eq!(fused.dims(), chain.dims(), "{}", case.name);
        assert!(
            distance(&values(&fused)?, &values(&chain)?) <= 1e-6,
            "{}",
            case.name
        );
    }
    Ok(())
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    let case = build("tanh", typical(Activation::Tanh, Some(LRN), 0.3))?;
    let images = images(18, 2)?;
    let run = || -> Result<f64> {
        // The same stream: the same dropout masks.
        let output = case.stack.forward(&images, &training(0))?;
        Ok(loss(&output.to_dtype(DType::F64)?)?.to_scalar::<f64>()?)
    };
    let pass = training(0);
    let all = case.parameters.all();
    let output = case.stack.forward(&images, &pass)?;
    let gradients = Gradients::of(&loss(&output)?, &pass, &all)?;
    for parameter in &all {
        let gradient = gradients.get(parameter).expect("every parameter matters");
        let gradient = values(gradient)?;
        let start = values(&parameter.var)?;
        // Along the gradient the loss must rise as fast as the gradient is long.
        let length = gradient
            .iter()
            .map(|g| f64::from(g * g))
            .sum::<f64>()
            .sqrt();
        // Small, or other values win their max-pooling windows.
        let step = 5e-4;
        let moved = |by: f64| -> Result<f64> {
            let moved: Vec<f32> = start
                .iter()
                .zip(&gradient)
                .map(|(v, g)| (f64::from(*v) + by * f64::from(*g) / length) as f32)
                .collect();
            parameter.var.set(&Tensor::from_vec(
                moved,
                parameter.var.shape(),
                images.device(),
            )?)?;
            run()
        };
        let slope = (moved(step)? - moved(-step)?) / (2.0 * step);
        moved(0.0)?;
        let error = (slope - length).abs() / length;
        assert!(
            error < 5e-3,
            "{}: slope {slope}, length {length}",
            parameter.name
        );
    }
    Ok(())
}

#[test]
fn passes_may_overlap() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, Some(LRN), 0.2))?;
    let all = case.parameters.all();
    let (a, b) = (images(20, 1)?, images(33, 2)?);
    let alone = [
        results(&case, &a, &training(1), true)?,
        results(&case, &b, &training(2), true)?,
    ];
    let passes = [training(1), training(2)];
    let outputs = [
        case.stack.forward(&a, &passes[0])?,
        case.stack.forward(&b, &passes[1])?,
    ];
    // An evaluation between forward and backward must not disturb what is kept.
    case.stack.forward(&images(50, 3)?, &Pass::evaluate())?;
    case.stack.features(&images(50, 3)?)?;
    for (i, output) in outputs.iter().enumerate() {
        let gradients = Gradients::of(&loss(output)?, &passes[i], &all)?;
        for parameter in &all {
            let gradient = gradients.get(parameter).expect("every parameter matters");
            let gradient = values(gradient)?;
            assert!(
                gradient == alone[i][&parameter.name],
                "{} of pass {i}",
                parameter.name
            );
        }
    }
    Ok(())
}

#[test]
fn two_passes_of_one_loss_add_up() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, None, 0.0))?;
    let all = case.parameters.all();
    let (a, b) = (images(7, 1)?, images(9, 2)?);
    let pass = training(1);
    let sum = (loss(&case.stack.forward(&a, &pass)?)? + loss(&case.stack.forward(&b, &pass)?)?)?;
    let gradients = Gradients::of(&sum, &pass, &all)?;
    let first = results(&case, &a, &training(1), true)?;
    let second = results(&case, &b, &training(1), true)?;
    for parameter in &all {
        let gradient = gradients.get(parameter).expect("every parameter matters");
        let gradient = values(gradient)?;
        let terms = first[&parameter.name].iter().zip(&second[&parameter.name]);
        let expected: Vec<f32> = terms.map(|(a, b)| a + b).collect();
        assert!(distance(&gradient, &expected) < 1e-6, "{}", parameter.name);
    }
    Ok(())
}

#[test]
fn gradients_of_the_last_step_stay_what_they_were() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, None, 0.0))?;
    let all = case.parameters.all();
    let mut held = Vec::new();
    for step in 0..4 {
        let pass = training(step);
        let output = case.stack.forward(&images(8, step as u64)?, &pass)?;
        let gradients = Gradients::of(&loss(&output)?, &pass, &all)?;
        let gradient = gradients.get(&all[0]).expect("a gradient").clone();
        let before = values(&gradient)?;
        held.push((gradient, before));
    }
    for (gradient, before) in held {
        assert_eq!(values(&gradient)?, before);
    }
    Ok(())
}

#[test]
fn threads_may_share_a_network() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, Some(LRN), 0.2))?;
    let expected: Vec<_> = (0..4)
        .map(|seed| {
            results(
                &case,
                &images(20 + seed, seed as u64)?,
                &training(seed),
                true,
            )
        })
        .collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        let case = &case;
        let expected = &expected;
        let workers: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn(move || -> Result<()> {
                    for _ in 0..20 {
                        let images = images(20 + seed, seed as u64)?;
                        let found = results(case, &images, &training(seed), true)?;
                        assert!(found == expected[seed], "worker {seed}");
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("no panic"))
    })
}

#[test]
fn images_need_not_be_contiguous() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, Some(LRN), 0.0))?;
    let images = images(18, 1)?;
    let turned = images.transpose(2, 3)?.contiguous()?.transpose(2, 3)?;
    assert!(!turned.is_contiguous());
    let pass = training(0);
    let all = case.parameters.all();
    let gradients = Gradients::of(&loss(&case.stack.forward(&turned, &pass)?)?, &pass, &all)?;
    let expected = results(&case, &images, &training(0), true)?;
    for parameter in &all {
        let gradient = values(gradients.get(parameter).expect("some"))?;
        assert!(gradient == expected[&parameter.name], "{}", parameter.name);
    }
    Ok(())
}

#[test]
fn dropout_drops_its_rate_anew_in_every_step() -> Result<()> {
    let table = ablate_nn::StackBuilder::default()
        .flatten()
        .dropout("drop", 0.3);
    let case = build("dropout", table)?;
    let ones = images(64, 1)?.ones_like()?;
    let run =
        |step| -> Result<Vec<f32>> { Ok(values(&case.stack.forward(&ones, &training(step))?)?) };
    let first = run(0)?;
    let share = first.iter().filter(|v| **v == 0.0).count() as f64 / first.len() as f64;
    assert!((share - 0.3).abs() < 0.015, "dropped {share}");
    assert!(
        first
            .iter()
            .all(|v| *v == 0.0 || (v - 1.0 / 0.7).abs() < 1e-6)
    );
    assert_eq!(first, run(0)?);
    assert_ne!(first, run(1)?);
    let evaluated = case.stack.forward(&ones, &Pass::evaluate())?;
    assert!(values(&evaluated)?.iter().all(|v| *v == 1.0));
    Ok(())
}

#[test]
fn a_timed_step_is_the_step() -> Result<()> {
    let case = build("timed", typical(Activation::Relu, Some(LRN), 0.5))?;
    let images = images(19, 1)?;
    let expected = case.stack.forward(&images, &training(0))?;
    let start = std::time::Instant::now();
    let layers = case.stack.time_layers(&images, &training(0), |output| {
        assert_eq!(values(output)?, values(&expected)?);
        output.sum_all()?.backward()?;
        Ok(())
    })?;
    let whole = start.elapsed();
    let summary = case.stack.summary();
    let named = layers.iter().map(|time| &time.layer);
    assert!(named.eq(&summary.layers));
    for time in &layers {
        assert!(
            !time.forward.is_zero() && !time.backward.is_zero(),
            "{time:?}"
        );
    }
    let sum: std::time::Duration = layers.iter().map(|time| time.forward + time.backward).sum();
    assert!(sum <= whole, "{sum:?} of {whole:?}");
    Ok(())
}
