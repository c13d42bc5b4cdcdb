//! Every key of the config: what it builds, and what it refuses.

use ablate_core::{
    Gradients, Kind, Model, ModelContext, Parameters, Pass, Result, Stream, registry,
};
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};

use crate::images;

/// A network small enough to train in a test.
fn small(more: Value) -> Value {
    let mut config = json!({ "width": 0.0625, "stem": { "size": 5, "stride": 2, "padding": 2 } });
    for (key, value) in more.as_object().expect("a table") {
        config[key] = value.clone();
    }
    config
}

fn build(config: &Value, input: [usize; 3]) -> Result<(Box<dyn Model>, Parameters)> {
    let parameters = Parameters::new(Stream::new(1));
    let cx = ModelContext {
        input,
        classes: 4,
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    };
    Ok((registry::model("alexnet", config, &cx)?, parameters))
}

/// Trains one step; returns the network's operations.
fn trains(config: &Value, input: [usize; 3]) -> Result<Vec<String>> {
    let (network, parameters) = build(config, input)?;
    let [c, h, w] = input;
    let images = images(0, (6, c, h, w))?;
    let targets = Tensor::new(&[0u32, 1, 2, 3, 0, 1], &Device::Cpu)?;
    let all = parameters.all();
    let pass = Pass::train(Stream::new(2));
    let before = network.forward(&images, &Pass::evaluate())?;
    let loss = cross_entropy(&network.forward(&images, &pass)?, &targets)?;
    let gradients = Gradients::of(&loss, &pass, &all)?;
    for parameter in &all {
        let gradient = gradients.get(parameter).expect("every parameter matters");
        let sum = gradient.abs()?.sum_all()?.to_scalar::<f32>()?;
        assert!(sum.is_finite(), "{config}: gradient of {}", parameter.name);
        let velocity = parameter.var.zeros_like()?;
        sgd_paper(&parameter.var, &velocity, gradient, 0.01, 0.9, 0.0)?;
    }
    let after = network.forward(&images, &Pass::evaluate())?;
    let change = (before - after)?.abs()?.sum_all()?.to_scalar::<f32>()?;
    assert!(change > 0.0, "{config}: the step changed nothing");
    assert_eq!(network.features(&images)?.expect("features").dims()[0], 6);
    let first = network.first_convolution().expect("a convolution");
    assert!(
        all.iter().any(|parameter| parameter.name == first),
        "{first}"
    );
    let layers = network.summary().layers;
    Ok(layers.into_iter().map(|layer| layer.operation).collect())
}

#[test]
fn every_switch_builds_and_trains() -> Result<()> {
    let image = [3, 64, 64];
    let having = |operations: &[String], part: &str| {
        operations
            .iter()
            .filter(|operation| operation.contains(part))
            .count()
    };
    let plain = trains(&small(json!({})), image)?;
    assert_eq!(having(&plain, "2 groups"), 3);
    assert_eq!(having(&plain, "relu"), 7);
    assert_eq!(having(&plain, "dropout"), 2);
    let of = |more: Value| trains(&small(more), image);
    assert_eq!(having(&of(json!({ "activation": "tanh" }))?, "tanh"), 7);
    assert_eq!(having(&of(json!({ "gpus": 1 }))?, "groups"), 0);
    let separate = of(json!({ "towers": "separate" }))?;
    assert_eq!(having(&separate, "norm over 5, 2 groups"), 2);
    assert_eq!(
        having(&of(json!({ "lrn": { "enabled": false } }))?, "norm"),
        0
    );
    assert_eq!(
        having(&of(json!({ "lrn": { "sizes": [3, 9] } }))?, "norm over 9"),
        1
    );
    assert_eq!(
        having(
            &of(json!({ "pooling": "non_overlapping" }))?,
            "max-pool 2/2"
        ),
        3
    );
    assert_eq!(having(&of(json!({ "dropout": 0.0 }))?, "dropout"), 0);
    assert_eq!(having(&of(json!({ "dropout_at": "maps" }))?, "dropout"), 1);
    assert_eq!(
        having(&of(json!({ "sizes": [3, 1, 3, 5] }))?, "conv 1x1"),
        1
    );
    assert_eq!(having(&of(json!({ "preset": "seed" }))?, "conv 5x5"), 5);
    for more in [
        json!({ "init": "zero_biases" }),
        json!({ "init": "pytorch" }),
        json!({ "init": "he" }),
        json!({ "kernels": [16, 32, 48, 64, 32] }),
        json!({ "hidden": 100 }),
        // What is turned off need not make sense.
        json!({ "lrn": { "enabled": false, "sizes": [0, 5], "k": 0.0 } }),
    ] {
        of(more)?;
    }
    Ok(())
}

#[test]
fn any_layer_can_be_removed() -> Result<()> {
    for layer in ["conv1", "conv2", "conv3", "conv4", "conv5"] {
        let operations = trains(&small(json!({ "remove": [layer] })), [3, 48, 48])?;
        let count = |part: &str| operations.iter().filter(|o| o.contains(part)).count();
        assert_eq!(count("conv"), 4, "{layer}");
        assert_eq!(count("max-pool"), 3, "{layer}");
    }
    let operations = trains(&small(json!({ "remove": ["conv3", "conv4"] })), [3, 64, 64])?;
    assert_eq!(operations.iter().filter(|o| o.contains("conv")).count(), 3);
    Ok(())
}

#[test]
fn images_of_many_sizes_fit() -> Result<()> {
    let stem = |size: usize, stride: usize, padding: usize| {
        small(json!({ "stem": { "size": size, "stride": stride, "padding": padding } }))
    };
    trains(&stem(5, 1, 2), [3, 32, 32])?;
    trains(&stem(7, 2, 3), [3, 64, 64])?;
    trains(&stem(11, 4, 2), [3, 224, 224])?;
    trains(&stem(11, 4, 0), [3, 227, 227])?;
    trains(&stem(11, 4, 2), [1, 101, 87])?;
    Ok(())
}

#[test]
fn images_too_small_are_refused_with_the_way_out() {
    match build(&json!({ "width": 0.0625 }), [3, 32, 32]) {
        Ok(_) => panic!("must be refused"),
        Err(error) => {
            let message = error.to_string();
            for part in [
                "`stem`",
                "3x32x32",
                "max_pool2d",
                "size = 5, stride = 1, padding = 2",
            ] {
                assert!(message.contains(part), "no {part:?} in: {message}");
            }
        }
    }
}

#[test]
fn values_out_of_range_are_refused_with_the_key() {
    for (more, key) in [
        (json!({ "gpus": 3 }), "gpus"),
        (json!({ "dropout": 1.0 }), "dropout"),
        (json!({ "width": 0.0 }), "width"),
        (json!({ "width": 1e9 }), "width"),
        (json!({ "width": 1e300 }), "width"),
        (
            json!({ "kernels": [96, 256, 1_000_000_000, 384, 256], "width": 1.0 }),
            "kernels.2",
        ),
        (json!({ "hidden": 1_000_000_000, "width": 1.0 }), "hidden"),
        (json!({ "stem": { "size": 1024 } }), "stem.size"),
        (json!({ "sizes": [5, 3, 3, 1_000_000_001] }), "sizes"),
        (json!({ "hidden": 0 }), "hidden"),
        (json!({ "deviation": 0.0 }), "deviation"),
        (json!({ "hidden": 1, "towers": "separate" }), "towers"),
        (json!({ "stem": { "stride": 0 } }), "stem"),
        (json!({ "sizes": [5, 3, 4, 3] }), "sizes"),
        (
            json!({ "kernels": [96, 255, 384, 384, 256], "width": 1.0 }),
            "kernels.1",
        ),
        (
            json!({ "kernels": [96, 0, 384, 384, 256], "width": 1.0 }),
            "kernels.1",
        ),
        (json!({ "lrn": { "sizes": [0, 5] } }), "lrn.sizes"),
        (json!({ "lrn": { "k": 0.0 } }), "lrn"),
    ] {
        match build(&small(more.clone()), [3, 64, 64]) {
            Ok(_) => panic!("{more} must be refused"),
            Err(error) => assert!(
                error.to_string().starts_with(&format!("`{key}`")),
                "{error}"
            ),
        }
    }
}

#[test]
fn a_preset_gives_way_to_the_keys_beside_it() -> Result<()> {
    let plugin = registry::find(Kind::Model, "alexnet")?;
    let resolved = plugin.resolve(&json!({ "preset": "seed", "lrn": { "k": 2.0 } }))?;
    assert_eq!(resolved["lrn"]["sizes"], json!([11, 5]));
    assert_eq!(resolved["lrn"]["convention"], "mean");
    assert_eq!(resolved["lrn"]["k"], 2.0);
    assert_eq!(resolved["kernels"], json!([64, 192, 384, 256, 256]));
    assert_eq!(plugin.resolve(&resolved)?, resolved);
    let paper = plugin.resolve(&json!({}))?;
    assert_eq!(paper["lrn"]["sizes"], json!([5, 5]));
    assert_eq!(paper["gpus"], 2);

    let error = plugin
        .resolve(&json!({ "lrn": { "k": "two" } }))
        .expect_err("a string");
    let error = error.to_string();
    assert!(error.starts_with("`lrn.k`: invalid type"), "{error}");
    assert!(error.contains("give number, for example 2.0"), "{error}");
    let error = plugin
        .resolve(&json!({ "preset": "sead" }))
        .expect_err("no preset");
    assert!(error.to_string().starts_with("`preset`"), "{error}");
    let error = plugin
        .resolve(&json!({ "lrn": { "kk": 2 } }))
        .expect_err("no key");
    assert!(error.to_string().contains("`lrn.kk`"), "{error}");
    Ok(())
}

#[test]
fn every_key_is_documented_with_its_default() -> Result<()> {
    let keys = registry::find(Kind::Model, "alexnet")?.keys();
    assert!(keys.iter().all(|key| !key.about.is_empty()));
    let find = |path: &str| keys.iter().find(|key| key.path == path).expect("the key");
    assert_eq!(find("lrn.alpha").default, "0.0001");
    assert_eq!(find("lrn.alpha").source, "section 3.3");
    assert_eq!(find("gpus").default, "2");
    assert_eq!(find("stem.size").default, "11");
    assert_eq!(find("activation").value_type, r#""relu" | "tanh""#);
    Ok(())
}
