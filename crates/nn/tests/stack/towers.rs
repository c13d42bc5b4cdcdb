//! Towers that run apart against the same layers run as one, and the bytes they
//! hand each other.

use ablate_core::{Exchanged, Gradients, Parameters, Pass, Precision, Result, Stream};
use ablate_nn::{LayerInit, Stack, StackBuilder};
use ablate_ops::{Activation, sgd_paper};
use candle_core::{DType, Device, Tensor};

use crate::networks::{
    Case, INPUT, LRN, POOL, Results, build, conv, distance, images, loss, results, results_by,
    values,
};

fn training(step: usize) -> Pass {
    Pass::train(Stream::new(11).at(step))
}

/// Every layer on either side of the border, in the order of the paper's net.
fn table(towers: usize) -> StackBuilder {
    let (relu, init) = (Activation::Relu, LayerInit::FanIn);
    StackBuilder::default()
        .towers(towers)
        .max_pool2d(POOL)
        .conv2d("conv1", conv(6 * towers, 3, 2, 1), init)
        .activation(relu)
        .local_response_norm(LRN)
        .max_pool2d(POOL)
        .conv2d("conv2", conv(4 * towers, 3, 1, towers), init)
        .local_response_norm(LRN)
        .activation(Activation::Tanh)
        .conv2d("conv3", conv(4 * towers, 3, 1, 1), init)
        .activation(relu)
        .conv2d("conv4", conv(4 * towers, 3, 1, 2 * towers), init)
        .activation(relu)
        .max_pool2d(POOL)
        .flatten()
        .dropout("drop1", 0.3)
        .linear("fc1", 13, init)
        .activation(relu)
        .features()
        .dropout("drop2", 0.4)
        .linear("fc2", 9, init)
        .activation(relu)
        .linear("fc3", 5, init)
}

/// Values of one image that the layers that see all towers look at: conv2's,
/// conv4's after pooling, fc1's and fc2's.
fn gathered(towers: usize) -> usize {
    let [conv2, conv4] = [4 * 3, 2 * 2];
    4 * towers * conv2 + 4 * towers * conv4 + 13 + 9
}

fn apart(towers: usize) -> Result<Case> {
    let mut case = build("apart", table(towers))?;
    case.stack.place(towers)?;
    Ok(case)
}

#[test]
fn towers_agree_with_one_network() -> Result<()> {
    for towers in [2, 3] {
        let case = apart(towers)?;
        for batch in [1, 16, 37] {
            let images = images(batch, 1)?;
            let found = results(&case, &images, &training(0), true)?;
            let undivided = results_by(Stack::forward_undivided, &case, &images, &training(0))?;
            let chain = results(&case, &images, &training(0), false)?;
            // Forward, every sum has the same order.
            assert!(found["output"] == undivided["output"], "batch {batch}");
            for (name, found) in &found {
                for expected in [&undivided[name], &chain[name]] {
                    let distance = distance(found, expected);
                    assert!(
                        distance <= 1e-6,
                        "{towers} towers, batch {batch}: `{name}` is off by {distance:.1e}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn the_placement_does_not_change_a_bit() -> Result<()> {
    let (together, images) = (build("together", table(2))?, images(40, 4)?);
    for precision in [Precision::F32, Precision::Bf16] {
        let run = |case: &Case| {
            let pass = training(0).with_precision(precision);
            results(case, &images, &pass, true)
        };
        let expected = run(&together)?;
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let found = pool.expect("a pool").install(|| run(&apart(2)?))?;
            assert!(found == expected, "{precision:?} on {threads} threads");
        }
    }
    Ok(())
}

/// Parameters after some steps of training.
fn trained(case: &Case, forward: crate::networks::Forward) -> Result<Results> {
    let all = case.parameters.all();
    let velocities = all
        .iter()
        .map(|parameter| Ok(parameter.var.zeros_like()?))
        .collect::<Result<Vec<_>>>()?;
    for step in 0..6 {
        let pass = training(step);
        let output = forward(&case.stack, &images(20, step as u64)?, &pass)?;
        let gradients = Gradients::of(&loss(&output)?, &pass, &all)?;
        for (parameter, velocity) in all.iter().zip(&velocities) {
            let gradient = gradients.get(parameter).expect("every parameter matters");
            sgd_paper(&parameter.var, velocity, gradient, 1e-3, 0.9, 5e-4)?;
        }
    }
    let values = all.iter().map(|p| Ok((p.name.clone(), values(&p.var)?)));
    values.collect()
}

#[test]
fn training_takes_the_same_way() -> Result<()> {
    let start = build("start", table(2))?;
    let expected = trained(&build("undivided", table(2))?, Stack::forward_undivided)?;
    let together = trained(&build("together", table(2))?, Stack::forward)?;
    assert!(trained(&apart(2)?, Stack::forward)? == together);
    for parameter in start.parameters.all() {
        let (name, initial) = (&parameter.name, values(&parameter.var)?);
        assert!(distance(&together[name], &initial) > 1e-4, "{name} rests");
        assert!(distance(&together[name], &expected[name]) <= 1e-6, "{name}");
    }
    Ok(())
}

#[test]
fn parameters_do_not_know_of_towers() -> Result<()> {
    let without_norm = |towers| {
        StackBuilder::default()
            .towers(towers)
            .conv2d("conv1", conv(6, 3, 1, 1), LayerInit::FanIn)
            .conv2d("conv2", conv(8, 3, 1, 2), LayerInit::FanIn)
            .flatten()
            .linear("fc", 5, LayerInit::FanIn)
    };
    let (one, two) = (
        build("one", without_norm(1))?,
        build("two", without_norm(2))?,
    );
    let pairs = one.parameters.all().into_iter().zip(two.parameters.all());
    for (one, two) in pairs {
        assert_eq!((&one.name, one.var.dims()), (&two.name, two.var.dims()));
        assert_eq!(values(&one.var)?, values(&two.var)?, "{}", one.name);
    }
    Ok(())
}

#[test]
fn the_bytes_are_those_of_the_layers_sizes() -> Result<()> {
    for towers in [2, 3] {
        let mut case = apart(towers)?;
        for batch in [1, 20] {
            let pass = training(0);
            let output = case.stack.forward(&images(batch, 1)?, &pass)?;
            // Every tower gets what the others have; the first gets the outputs.
            let first = 5 / towers;
            let values = gathered(towers) * (towers - 1) + 5 - first;
            let forward = (4 * batch * values) as u64;
            let expected = Exchanged {
                forward,
                backward: 0,
            };
            assert_eq!(case.stack.take_exchanged(), Some(expected));
            Gradients::of(&loss(&output)?, &pass, &case.parameters.all())?;
            let expected = Exchanged {
                forward: 0,
                backward: forward,
            };
            assert_eq!(case.stack.take_exchanged(), Some(expected));
        }
        case.stack.forward(&images(3, 1)?, &Pass::evaluate())?;
        assert_eq!(case.stack.take_exchanged(), Some(Exchanged::default()));
        case.stack.place(1)?;
        assert_eq!(case.stack.take_exchanged(), None);
    }
    Ok(())
}

#[test]
fn passes_may_overlap_on_the_workers() -> Result<()> {
    let case = apart(2)?;
    let expected = results(&case, &images(20, 1)?, &training(1), true)?;
    std::thread::scope(|scope| {
        let (case, expected) = (&case, &expected);
        let run = move || -> Result<()> {
            for _ in 0..10 {
                let found = results(case, &images(20, 1)?, &training(1), true)?;
                assert!(&found == expected);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("no panic"))
    })
}

#[test]
fn what_does_not_divide_is_refused() {
    let init = LayerInit::FanIn;
    let start = || StackBuilder::default().towers(2);
    let refused = |table: StackBuilder, words: &str| {
        let parameters = Parameters::new(Stream::new(0));
        let error = table
            .build(INPUT, &parameters.builder(DType::F32, &Device::Cpu))
            .expect_err(words)
            .to_string();
        assert!(error.contains(words), "no {words:?} in: {error}");
    };
    refused(start().conv2d("c", conv(5, 3, 1, 1), init), "5 kernels");
    refused(start().conv2d("c", conv(4, 3, 1, 2), init), "2 groups");
    refused(start().flatten().linear("fc", 1, init), "1 outputs");
    let maps = start().conv2d("c", conv(4, 3, 1, 1), init);
    refused(maps.dropout("drop", 0.5), "dropout on maps");
    let rows = start().flatten().linear("fc", 4, init);
    refused(rows.dropout("drop", 0.5), "output is not divided");
    refused(start().max_pool2d(POOL), "output is not divided");
}

#[test]
fn workers_must_be_as_many_as_towers() -> Result<()> {
    let mut case = build("two", table(2))?;
    let error = case.stack.place(3).expect_err("three").to_string();
    assert!(error.contains("3 workers") && error.contains("2 towers"));
    let mut case = build("one", table(1))?;
    let error = case.stack.place(2).expect_err("two").to_string();
    assert!(error.contains("without separate towers"), "{error}");
    case.stack.place(1)
}

#[test]
fn a_network_has_its_towers_on_any_device() -> Result<()> {
    // As on a GPU, the fused operation does not apply to parameters of the second type.
    for (kind, divides) in [(DType::F32, true), (DType::F64, false)] {
        let parameters = Parameters::new(Stream::new(1));
        let mut stack = table(2).build(INPUT, &parameters.builder(kind, &Device::Cpu))?;
        assert_eq!(stack.towers(), 2);
        assert_eq!(stack.place(2).is_ok(), divides);
    }
    assert_eq!(build("one", table(1))?.stack.towers(), 1);
    Ok(())
}

#[test]
fn images_of_towers_need_the_networks_shape() -> Result<()> {
    let case = apart(2)?;
    let wrong = Tensor::zeros((2, 3, 9, 8), DType::F32, &Device::Cpu)?;
    assert!(case.stack.forward(&wrong, &Pass::evaluate()).is_err());
    Ok(())
}
