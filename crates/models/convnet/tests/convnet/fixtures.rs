//! Networks computed by PyTorch, and the comparison with ours. The parameters
//! and the input follow from a formula, so only results are stored.

use std::collections::HashMap;
use std::path::Path;

use ablate_core::{Gradients, ModelConfig, ModelContext, Parameters, Pass, Result, Stream};
use ablate_ops::{cross_entropy, sgd};
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;

/// What PyTorch computed.
struct Fixture {
    metadata: HashMap<String, String>,
    tensors: HashMap<String, Vec<f32>>,
}

impl Fixture {
    /// The fixture, or `None`, with a note on the terminal, where it is absent.
    fn load(name: &str) -> Option<Self> {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures/models");
        let file = folder.join(name).with_extension("safetensors");
        let Ok(bytes) = std::fs::read(&file) else {
            println!("skipped: there is no {}", file.display());
            return None;
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors file");
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).expect("tensors");
        let floats = |(name, tensor): (String, Tensor)| {
            let tensor = tensor.to_dtype(DType::F32).expect("a number");
            let values = tensor.flatten_all().and_then(|flat| flat.to_vec1());
            (name, values.expect("values"))
        };
        Some(Self {
            metadata: header.metadata().clone().unwrap_or_default(),
            tensors: tensors.into_iter().map(floats).collect(),
        })
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> T {
        match self.metadata[key].parse() {
            Ok(number) => number,
            Err(_) => panic!("`{key}` is no number"),
        }
    }
}

/// The values of the tensor `name`: uniform in ±`scale`.
pub fn fill(name: &str, seed: u64, len: usize, scale: f64) -> Vec<f32> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let start = hash.wrapping_add(seed);
    (0..len as u64)
        .map(|i| {
            let top24 = (splitmix64(start.wrapping_add(i)) >> 40) as f32;
            (top24 / (1 << 24) as f32 * 2.0 - 1.0) * scale as f32
        })
        .collect()
}

fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sets every parameter as the fixture `model` has it.
pub fn fill_parameters(parameters: &Parameters, model: &str, seed: u64) -> Result<()> {
    for parameter in parameters.all() {
        let dims = parameter.var.dims();
        let scale = match dims.len() {
            1 => 0.1,
            _ => (6.0 / dims[1..].iter().product::<usize>() as f64).sqrt(),
        };
        let name = format!("{model}.{}", parameter.name);
        let values = fill(&name, seed, parameter.var.elem_count(), scale);
        parameter
            .var
            .set(&Tensor::from_vec(values, dims, &Device::Cpu)?)?;
    }
    Ok(())
}

/// L2 distance relative to the size of `expected`.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    let difference: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (difference / expected.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>()).sqrt()
}

/// Compares logits, loss, gradients and a few steps of SGD.
pub fn compare(model: &str, config: &impl ModelConfig) -> Result<()> {
    let Some(fixture) = Fixture::load(model) else {
        return Ok(());
    };
    let (batch, image, seed) = (
        fixture.number::<usize>("batch"),
        fixture.number::<usize>("image"),
        fixture.number::<u64>("seed"),
    );
    let parameters = Parameters::new(Stream::new(0));
    let network = config.build(&ModelContext {
        input: [3, image, image],
        classes: fixture.number("classes"),
        parameters: parameters.builder(DType::F32, &Device::Cpu),
    })?;
    assert_eq!(parameters.count(), fixture.number::<usize>("params"));
    fill_parameters(&parameters, model, seed)?;
    let input = fill(
        &format!("{model}.input"),
        seed,
        batch * 3 * image * image,
        1.0,
    );
    let images = Tensor::from_vec(input, (batch, 3, image, image), &Device::Cpu)?;
    let targets: Vec<u32> = fixture.tensors["target"]
        .iter()
        .map(|t| *t as u32)
        .collect();
    let targets = Tensor::new(targets, &Device::Cpu)?;

    let all = parameters.all();
    let velocities = all
        .iter()
        .map(|parameter| Ok(parameter.var.zeros_like()?))
        .collect::<Result<Vec<_>>>()?;
    for (step, expected) in fixture.tensors["sgd_losses"].iter().enumerate() {
        let pass = Pass::train(Stream::new(0).at(step));
        let logits = network.forward(&images, &pass)?;
        let loss = cross_entropy(&logits, &targets)?;
        let gradients = Gradients::of(&loss, &pass, &all)?;
        let found = distance(&[loss.to_scalar()?], &[*expected]);
        assert!(
            found <= 1e-3,
            "{model}: loss before step {step} is off by {found:.1e}"
        );
        if step == 0 {
            let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
            let found = distance(&logits, &fixture.tensors["logits"]);
            assert!(found <= 1e-4, "{model}: logits are off by {found:.1e}");
            let found = distance(&[loss.to_scalar()?], &fixture.tensors["loss"]);
            assert!(found <= 1e-4, "{model}: the loss is off by {found:.1e}");
        }
        for (parameter, velocity) in all.iter().zip(&velocities) {
            let gradient = gradients.get(parameter).expect("every parameter matters");
            if step == 0 {
                compare_gradient(&fixture, &parameter.name, gradient)?;
            }
            let [lr, momentum, decay] =
                ["lr", "momentum", "weight_decay"].map(|k| fixture.number(k));
            sgd(&parameter.var, velocity, gradient, lr, momentum, decay)?;
        }
    }
    Ok(())
}

/// The L2 norm as PyTorch adds it up: eight running sums in float32. Over the
/// 37 million weights of AlexNet's largest layer their rounding alone is more
/// than a thousandth, so that an exact sum would not agree.
fn norm(values: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    for values in values.chunks(sums.len()) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value * value;
        }
    }
    sums.iter().sum::<f32>().sqrt()
}

fn compare_gradient(fixture: &Fixture, name: &str, gradient: &Tensor) -> Result<()> {
    let values: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
    let found = distance(
        &[norm(&values)],
        &fixture.tensors[&format!("grad_norm.{name}")],
    );
    assert!(
        found <= 1e-3,
        "`{name}`: the gradient's norm is off by {found:.1e}"
    );
    let expected = &fixture.tensors[&format!("grad_at.{name}")];
    let at = |j: usize| values[j * 2_654_435_761 % values.len()];
    let sample: Vec<f32> = (0..expected.len()).map(at).collect();
    let found = distance(&sample, expected);
    assert!(
        found <= 1e-3,
        "`{name}`: the gradient is off by {found:.1e}"
    );
    Ok(())
}
