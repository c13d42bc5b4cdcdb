//! Every switch of the four-layer network. Its numbers are held against PyTorch's by
//! `cargo xtask parity`.

use ablate_convnet::{ConvNet, Init, Pooling};
use ablate_core::{Gradients, ModelContext, Parameters, Pass, Result, Stream, registry};
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

/// Builds the plugin for images of this shape and trains it on one batch until
/// the loss has fallen, from weights that suit images of this scale.
fn learns(mut config: serde_json::Value, input: [usize; 3]) -> Result<Parameters> {
    config["init"] = json!("pytorch");
    let parameters = Parameters::new(Stream::new(1));
    let cx = ModelContext {
        input,
        classes: 10,
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    };
    let network = registry::model("convnet", &config, &cx)?;
    let [c, h, w] = input;
    // As good as random, and between -1 and 1.
    let images = Tensor::arange(0f32, (20 * c * h * w) as f32, &Device::Cpu)?.sin()?;
    let images = images.reshape((20, c, h, w))?;
    let targets = Tensor::new((0..20).map(|i| i % 10).collect::<Vec<u32>>(), &Device::Cpu)?;
    let all = parameters.all();
    let velocities: Vec<Tensor> = all
        .iter()
        .map(|p| Ok(p.var.zeros_like()?))
        .collect::<Result<_>>()?;
    let mut losses = Vec::new();
    for step in 0..8 {
        let pass = Pass::train(Stream::new(2).at(step));
        let loss = cross_entropy(&network.forward(&images, &pass)?, &targets)?;
        let gradients = Gradients::of(&loss, &pass, &all)?;
        for (parameter, velocity) in all.iter().zip(&velocities) {
            let gradient = gradients.get(parameter).expect("every parameter matters");
            sgd_paper(&parameter.var, velocity, gradient, 0.05, 0.9, 0.0)?;
        }
        losses.push(loss.to_scalar::<f32>()?);
    }
    assert!(losses[7] < losses[0], "{config}: {losses:?}");
    let features = network
        .features(&images)?
        .expect("the network has features");
    assert_eq!(features.dims()[0], 20);
    let sum: usize = network
        .summary()
        .layers
        .iter()
        .map(|layer| layer.parameters)
        .sum();
    assert_eq!(sum, parameters.count());
    Ok(parameters)
}

#[test]
fn every_switch_builds_and_learns() -> Result<()> {
    assert_eq!(learns(json!({}), [3, 32, 32])?.count(), 89_578);
    for config in [
        json!({ "activation": "tanh" }),
        json!({ "lrn": { "enabled": true } }),
        json!({ "lrn": { "enabled": true, "convention": "mean", "size": 5 } }),
        json!({ "lrn": { "enabled": false, "size": 0 } }),
        json!({ "filters": [4, 6, 5] }),
        json!({ "pooling": "non_overlapping" }),
        json!({ "dropout": 0.5 }),
    ] {
        learns(config, [3, 32, 32])?;
    }
    learns(json!({}), [1, 17, 23])?;
    Ok(())
}

#[test]
fn values_out_of_range_are_refused_with_the_key() {
    let parameters = Parameters::new(Stream::new(1));
    let cx = ModelContext {
        input: [3, 32, 32],
        classes: 10,
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    };
    for (config, key) in [
        (json!({ "filters": [32, 0, 64] }), "filters.1"),
        (json!({ "filters": [32, 32, 65_537] }), "filters.2"),
        (json!({ "filters": [u64::MAX / 2, 32, 64] }), "filters.0"),
        (json!({ "dropout": 1.0 }), "dropout"),
        (json!({ "lrn": { "enabled": true, "size": 0 } }), "lrn"),
    ] {
        match registry::model("convnet", &config, &cx) {
            Ok(_) => panic!("{config} must be refused"),
            Err(error) => assert!(
                error.to_string().starts_with(&format!("`{key}`")),
                "{error}"
            ),
        }
    }
}

#[test]
fn weights_start_as_in_cuda_convnet() -> Result<()> {
    assert_eq!(ConvNet::default().init, Init::CudaConvnet);
    assert_eq!(ConvNet::default().pooling, Pooling::Overlapping);
    let parameters = Parameters::new(Stream::new(1));
    let cx = ModelContext {
        input: [3, 32, 32],
        classes: 10,
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    };
    registry::model("convnet", &json!({}), &cx)?;
    for parameter in parameters.all() {
        let values: Vec<f32> = parameter.var.flatten_all()?.to_vec1()?;
        let square: f64 = values.iter().map(|v| f64::from(v * v)).sum();
        let deviation = (square / values.len() as f64).sqrt();
        let expected = match parameter.name.as_str() {
            "features.0.weight" => 1e-4,
            name if name.ends_with("weight") => 1e-2,
            _ => 0.0,
        };
        assert!(
            (deviation - expected).abs() <= 0.05 * expected,
            "{}: {deviation}",
            parameter.name
        );
    }
    Ok(())
}
