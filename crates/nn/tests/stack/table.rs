//! What the table refuses, and what it says of a network.

use ablate_core::{Parameters, Pass, Result, Stream};
use ablate_nn::{Conv2d, LayerInit, MaxPool2d, StackBuilder};
use ablate_ops::{Activation, Lrn};
use candle_core::{DType, Device};

use crate::networks::{INPUT, build, images, typical, values};

const INIT: LayerInit = LayerInit::FanIn;

fn refusal(table: StackBuilder) -> String {
    match build("refused", table) {
        Ok(_) => panic!("must be refused"),
        Err(error) => error.to_string(),
    }
}

fn conv(kernels: usize, size: usize, groups: usize) -> Conv2d {
    Conv2d {
        kernels,
        size,
        stride: 1,
        padding: 0,
        groups,
    }
}

#[test]
fn layers_that_do_not_fit_are_named_with_the_fix() {
    let start = StackBuilder::default;
    let pool = MaxPool2d {
        size: 4,
        stride: 4,
        padding: 0,
    };
    for (table, parts) in [
        (start(), vec!["at least one layer"]),
        (
            start().conv2d("c", conv(2, 10, 1), INIT),
            vec!["`c`", "4x9x8", "larger images"],
        ),
        (
            start().conv2d("c", conv(3, 3, 2), INIT),
            vec!["`c`", "groups"],
        ),
        (
            start()
                .conv2d("c", conv(2, 3, 1), INIT)
                .max_pool2d(pool)
                .max_pool2d(pool),
            vec!["max_pool2d after 1", "2x1x1", "less stride"],
        ),
        (start().linear("fc", 3, INIT), vec!["`fc`", ".flatten()"]),
        (
            start().flatten().linear("fc", 0, INIT),
            vec!["`fc`", "at least 1"],
        ),
        (
            start().flatten().conv2d("c", conv(2, 3, 1), INIT),
            vec!["`c`", "flat"],
        ),
        (start().dropout("d", 1.0), vec!["`d`", "0..1"]),
        (
            start().local_response_norm(Lrn {
                size: 0,
                ..Lrn::default()
            }),
            vec!["local_response_norm", "at least 1"],
        ),
        (
            start()
                .conv2d("c", conv(4, 3, 1), INIT)
                .conv2d("c", conv(4, 3, 1), INIT),
            vec!["`c`", "two layers"],
        ),
    ] {
        let message = refusal(table);
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
    }
}

#[test]
fn wrong_images_are_refused() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, None, 0.0))?;
    let wrong = images(2, 1)?.narrow(3, 0, 5)?;
    let error = case
        .stack
        .forward(&wrong, &Pass::evaluate())
        .expect_err("wrong width");
    assert!(error.to_string().contains("[N, 4, 9, 8]"), "{error}");
    let empty = images(2, 1)?.narrow(0, 0, 0)?;
    assert!(case.stack.forward(&empty, &Pass::evaluate()).is_err());
    Ok(())
}

#[test]
fn the_summary_counts_parameters_and_multiply_adds() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, Some(Lrn::default()), 0.5))?;
    let layers = case.stack.summary().layers;
    let sum: usize = layers.iter().map(|layer| layer.parameters).sum();
    assert_eq!(sum, case.parameters.count());
    let conv1 = &layers[0];
    assert_eq!(
        (conv1.name.as_str(), conv1.operation.as_str()),
        ("conv1", "conv 3x3/1 + relu")
    );
    assert_eq!(conv1.output, [6, 9, 8]);
    assert_eq!(conv1.multiply_adds, 6 * 36 * 72);
    let operations: Vec<_> = layers
        .iter()
        .map(|layer| layer.operation.as_str())
        .collect();
    assert_eq!(
        operations[1..4],
        [
            "response norm over 5",
            "max-pool 3/2",
            "conv 3x3/1, 2 groups + relu"
        ]
    );
    Ok(())
}

#[test]
fn features_are_the_marked_values() -> Result<()> {
    let case = build("relu", typical(Activation::Relu, None, 0.5))?;
    let features = case.stack.features(&images(17, 1)?)?.expect("marked");
    assert_eq!(features.dims(), [17, 12]);
    let found = values(&features)?;
    assert!(found.iter().all(|v| *v >= 0.0) && found.iter().any(|v| *v > 0.0));
    let unmarked = build(
        "plain",
        StackBuilder::default().flatten().linear("fc", 2, INIT),
    )?;
    assert!(unmarked.stack.features(&images(2, 1)?)?.is_none());
    Ok(())
}

#[test]
fn initial_values_follow_the_table() -> Result<()> {
    let parameters = Parameters::new(Stream::new(5));
    let normal = LayerInit::Normal {
        deviation: 0.01,
        bias: 1.0,
    };
    StackBuilder::default()
        .flatten()
        .linear("normal", 400, normal)
        .linear("fan_in", 400, LayerInit::FanIn)
        .build(INPUT, &parameters.builder(DType::F32, &Device::Cpu))?;
    for parameter in parameters.all() {
        let values = values(&parameter.var)?;
        let square: f64 = values.iter().map(|v| f64::from(v * v)).sum();
        let deviation = (square / values.len() as f64).sqrt();
        let expected = match parameter.name.as_str() {
            "normal.weight" => 0.01,
            "normal.bias" => 1.0,
            // Uniform in ±1/√400.
            _ => 0.05 / 3f64.sqrt(),
        };
        let tolerance = if values.len() > 1000 { 0.01 } else { 0.1 };
        assert!(
            (deviation / expected - 1.0).abs() < tolerance,
            "{}: {deviation}",
            parameter.name
        );
    }
    Ok(())
}
