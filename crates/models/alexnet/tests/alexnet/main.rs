//! AlexNet against the paper's numbers, and every switch it has. What it computes is
//! held against PyTorch by `cargo xtask parity`.

mod switches;
mod towers;

use ablate_alexnet::{AlexNet, Preset, Stem};
use ablate_core::{ModelConfig, ModelContext, ModelSummary, Parameters, Result, Stream};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

/// Builds without allocating the weights.
fn summary(config: &AlexNet, input: [usize; 3], classes: usize) -> Result<ModelSummary> {
    let cx = ModelContext {
        input,
        classes,
        parameters: candle_nn::VarBuilder::zeros(DType::F32, &Device::Cpu),
    };
    Ok(config.build(&cx)?.summary())
}

/// Random images, of values between -1 and 1.
fn images(seed: usize, shape: (usize, usize, usize, usize)) -> Result<Tensor> {
    let values = Parameters::new(Stream::new(seed as u64));
    let uniform = candle_nn::Init::Uniform { lo: -1.0, up: 1.0 };
    let values = values.builder(DType::F32, &Device::Cpu);
    Ok(values.get_with_hints(shape, "images", uniform)?)
}

fn count(summary: &ModelSummary) -> usize {
    summary.layers.iter().map(|layer| layer.parameters).sum()
}

#[test]
fn parameter_counts_are_the_papers() -> Result<()> {
    let image = [3, 224, 224];
    let paper = AlexNet::default();
    assert_eq!(count(&summary(&paper, image, 1000)?), 60_965_224);
    assert_eq!(
        count(&summary(&Preset::Seed.config(), image, 6)?),
        60_829_510
    );
    // Section 3.2: half the kernels in conv1 to conv4, nearly as many parameters.
    let one_gpu = AlexNet {
        gpus: 1,
        ..paper.clone()
    };
    assert_eq!(count(&summary(&one_gpu, image, 1000)?), 59_798_312);
    // The same at a quarter of the width, for small images.
    for (gpus, parameters) in [(2, 1_796_458), (1, 1_723_610)] {
        let scaled = AlexNet {
            gpus,
            width: 0.25,
            stem: Stem {
                size: 5,
                stride: 1,
                padding: 2,
            },
            ..paper.clone()
        };
        assert_eq!(count(&summary(&scaled, [3, 32, 32], 10)?), parameters);
    }
    Ok(())
}

#[test]
fn layers_are_those_of_section_3_5() -> Result<()> {
    let layers = summary(&AlexNet::default(), [3, 224, 224], 1000)?.layers;
    let lines: Vec<_> = layers
        .iter()
        .map(|layer| format!("{}: {:?}", layer.operation, layer.output))
        .collect();
    assert_eq!(
        lines,
        [
            "conv 11x11/4 + relu: [96, 55, 55]",
            "response norm over 5: [96, 55, 55]",
            "max-pool 3/2: [96, 27, 27]",
            "conv 5x5/1, 2 groups + relu: [256, 27, 27]",
            "response norm over 5: [256, 27, 27]",
            "max-pool 3/2: [256, 13, 13]",
            "conv 3x3/1 + relu: [384, 13, 13]",
            "conv 3x3/1, 2 groups + relu: [384, 13, 13]",
            "conv 3x3/1, 2 groups + relu: [256, 13, 13]",
            "max-pool 3/2: [256, 6, 6]",
            "linear + relu: [4096]",
            "dropout 0.5: [4096]",
            "linear + relu: [4096]",
            "dropout 0.5: [4096]",
            "linear: [1000]",
        ]
    );
    Ok(())
}

#[test]
fn biases_start_as_section_5_says() -> Result<()> {
    let ones = |init: &str| -> Result<Vec<String>> {
        let parameters = Parameters::new(Stream::new(0));
        let cx = ModelContext {
            input: [3, 224, 224],
            classes: 10,
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        };
        let config = json!({ "init": init, "width": 0.0625 });
        ablate_core::registry::model("alexnet", &config, &cx)?;
        let mut ones = Vec::new();
        for parameter in parameters.all() {
            let values: Vec<f32> = parameter.var.flatten_all()?.to_vec1()?;
            if values.iter().all(|value| *value == 1.0) {
                ones.push(parameter.name);
            }
        }
        Ok(ones)
    };
    let names = [
        "classifier.0",
        "classifier.2",
        "features.10",
        "features.12",
        "features.4",
    ];
    assert_eq!(ones("paper")?, names.map(|name| format!("{name}.bias")));
    assert!(ones("zero_biases")?.is_empty());
    Ok(())
}

#[test]
fn normal_weights_deviate_as_told() -> Result<()> {
    let parameters = Parameters::new(Stream::new(0));
    let cx = ModelContext {
        input: [3, 224, 224],
        classes: 10,
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    };
    let config = json!({ "deviation": 0.04, "width": 0.0625 });
    ablate_core::registry::model("alexnet", &config, &cx)?;
    for parameter in parameters
        .all()
        .iter()
        .filter(|p| p.name.ends_with("weight"))
    {
        let square = parameter.var.sqr()?.mean_all()?.to_scalar::<f32>()?;
        let deviation = square.sqrt();
        assert!(
            (deviation - 0.04).abs() < 0.004,
            "{}: {deviation}",
            parameter.name
        );
    }
    Ok(())
}

#[test]
fn a_state_dict_loads_by_pytorchs_names() -> Result<()> {
    let config = AlexNet {
        width: 0.0625,
        ..Preset::Seed.config()
    };
    let build = |seed| -> Result<Parameters> {
        let parameters = Parameters::new(Stream::new(seed));
        config.build(&ModelContext {
            input: [3, 224, 224],
            classes: 6,
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        })?;
        Ok(parameters)
    };
    let (from, to) = (build(1)?, build(2)?);
    let tensors = from
        .all()
        .into_iter()
        .map(|p| (p.name, p.var.as_tensor().clone()));
    let tensors: std::collections::HashMap<_, _> = tensors.collect();
    let mut names: Vec<_> = tensors.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert!(names.contains(&"classifier.1.weight") && names.contains(&"features.12.bias"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seed.safetensors");
    candle_core::safetensors::save(&tensors, &file)?;
    to.load(&candle_core::safetensors::load(&file, &Device::Cpu)?)?;
    for (a, b) in from.all().iter().zip(to.all()) {
        let values = |p: &ablate_core::Parameter| p.var.flatten_all()?.to_vec1::<f32>();
        assert_eq!(values(a)?, values(&b)?, "{}", a.name);
    }
    Ok(())
}
