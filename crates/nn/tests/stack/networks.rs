//! Networks that between them hold every layer in every position, and how to
//! run them.

use std::collections::BTreeMap;

use ablate_core::{Gradients, Parameter, Parameters, Pass, Result, Stream};
use ablate_nn::{Conv2d, LayerInit, MaxPool2d, Stack, StackBuilder};
use ablate_ops::{Activation, AlphaConvention, Lrn};
use candle_core::{DType, Device, Tensor, Var};

pub const INPUT: [usize; 3] = [4, 9, 8];

/// A network with a name for messages, and its parameters.
pub struct Case {
    pub name: String,
    pub stack: Stack,
    pub parameters: Parameters,
}

pub fn conv(kernels: usize, size: usize, padding: usize, groups: usize) -> Conv2d {
    Conv2d {
        kernels,
        size,
        stride: 1,
        padding,
        groups,
    }
}

pub const POOL: MaxPool2d = MaxPool2d {
    size: 3,
    stride: 2,
    padding: 1,
};

pub const LRN: Lrn = Lrn {
    size: 3,
    alpha: 0.1,
    beta: 0.75,
    k: 1.0,
    convention: AlphaConvention::Paper,
};

/// Convolutions with all that may follow them, then linear layers.
pub fn typical(activation: Activation, lrn: Option<Lrn>, dropout: f64) -> StackBuilder {
    let init = LayerInit::FanIn;
    StackBuilder::default()
        .conv2d("conv1", conv(6, 3, 1, 1), init)
        .activation(activation)
        .local_response_norm(lrn)
        .max_pool2d(POOL)
        .conv2d("conv2", conv(8, 3, 1, 2), init)
        .activation(activation)
        .max_pool2d(POOL)
        .conv2d("conv3", conv(4, 3, 1, 1), init)
        .activation(activation)
        .flatten()
        .dropout("drop1", dropout)
        .linear("fc1", 12, init)
        .activation(activation)
        .features()
        .dropout("drop2", dropout)
        .linear("fc2", 5, init)
}

/// Every network the fused executor is compared on.
pub fn cases() -> Result<Vec<Case>> {
    cases_on(&Device::Cpu)
}

/// The same on a device.
pub fn cases_on(device: &Device) -> Result<Vec<Case>> {
    let init = LayerInit::FanIn;
    let (relu, tanh) = (Activation::Relu, Activation::Tanh);
    let start = StackBuilder::default;
    let tables = [
        ("relu", typical(relu, None, 0.0)),
        ("relu, lrn", typical(relu, Some(LRN), 0.0)),
        ("tanh, lrn", typical(tanh, Some(LRN), 0.0)),
        ("identity", typical(Activation::Identity, None, 0.0)),
        ("dropout", typical(relu, Some(LRN), 0.4)),
        (
            "linear only",
            start().flatten().linear("fc", 3, init).activation(tanh),
        ),
        (
            "two linear layers",
            start()
                .flatten()
                .linear("a", 7, init)
                .activation(relu)
                .linear("b", 3, init),
        ),
        (
            "conv only",
            start().conv2d("c", conv(3, 3, 0, 1), init).activation(relu),
        ),
        (
            "ends in pooling",
            start()
                .conv2d("c", conv(3, 3, 0, 1), init)
                .activation(tanh)
                .max_pool2d(POOL)
                .flatten(),
        ),
        (
            "starts with pooling",
            start()
                .max_pool2d(POOL)
                .local_response_norm(LRN)
                .conv2d("c", conv(2, 2, 0, 1), init),
        ),
        (
            "starts with normalisation",
            start()
                .local_response_norm(LRN)
                .activation(tanh)
                .max_pool2d(POOL)
                .flatten()
                .linear("fc", 2, init),
        ),
        (
            "starts with an activation",
            start()
                .activation(relu)
                .conv2d("c", conv(2, 4, 2, 2), init)
                .local_response_norm(LRN)
                .activation(tanh)
                .flatten()
                .activation(relu)
                .linear("fc", 2, init),
        ),
        (
            "no parameters",
            start().max_pool2d(POOL).local_response_norm(LRN),
        ),
        (
            "dropout on maps",
            start()
                .conv2d("c", conv(4, 3, 1, 1), init)
                .activation(relu)
                .dropout("drop", 0.3)
                .conv2d("d", conv(2, 3, 1, 1), init),
        ),
        (
            "stride",
            start()
                .conv2d(
                    "c",
                    Conv2d {
                        kernels: 5,
                        size: 4,
                        stride: 3,
                        padding: 2,
                        groups: 1,
                    },
                    init,
                )
                .activation(relu)
                .flatten()
                .linear("fc", 2, init),
        ),
    ];
    tables
        .into_iter()
        .map(|(name, table)| build_on(device, name, table))
        .collect()
}

pub fn build(name: &str, table: StackBuilder) -> Result<Case> {
    build_on(&Device::Cpu, name, table)
}

fn build_on(device: &Device, name: &str, table: StackBuilder) -> Result<Case> {
    let parameters = Parameters::new(Stream::new(3));
    let stack = table.build(INPUT, &parameters.builder(DType::F32, device))?;
    Ok(Case {
        name: name.to_string(),
        stack,
        parameters,
    })
}

/// Images `[batch, C, H, W]` that depend on `seed` alone.
pub fn images(batch: usize, seed: u64) -> Result<Tensor> {
    let [c, h, w] = INPUT;
    let parameters = Parameters::new(Stream::new(seed));
    let builder = parameters.builder(DType::F32, &Device::Cpu);
    let init = candle_nn::Init::Uniform { lo: -1.0, up: 1.0 };
    let images = builder.get_with_hints((batch, c, h, w), "images", init)?;
    Ok(images.detach())
}

/// A scalar that depends on every output in its own way.
pub fn loss(output: &Tensor) -> candle_core::Result<Tensor> {
    let weights: Vec<f32> = (0..output.elem_count())
        .map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0)
        .collect();
    let weights = Tensor::from_vec(weights, output.shape(), output.device())?;
    let weights = weights.to_dtype(output.dtype())?;
    (output * weights)?.sum_all()
}

/// Output, gradient of the images and of each parameter, by name.
pub type Results = BTreeMap<String, Vec<f32>>;

/// Runs forward and backward, fused or as a chain.
pub fn results(case: &Case, images: &Tensor, pass: &Pass, fused: bool) -> Result<Results> {
    match fused {
        true => results_by(Stack::forward, case, images, pass),
        false => results_by(Stack::forward_unfused, case, images, pass),
    }
}

/// One of the ways forward that a stack has.
pub type Forward = fn(&Stack, &Tensor, &Pass) -> candle_core::Result<Tensor>;

/// Runs forward in the given way, and backward.
pub fn results_by(forward: Forward, case: &Case, images: &Tensor, pass: &Pass) -> Result<Results> {
    let images = Parameter {
        name: "images".to_string(),
        var: Var::from_tensor(images)?,
    };
    let output = forward(&case.stack, &images.var, pass)?;
    let mut all = case.parameters.all();
    all.push(images);
    let gradients = Gradients::of(&loss(&output)?, pass, &all)?;
    let mut results = Results::new();
    results.insert("output".to_string(), values(&output)?);
    for parameter in &all {
        let gradient = gradients.get(parameter).expect("every parameter matters");
        results.insert(parameter.name.clone(), values(gradient)?);
    }
    Ok(results)
}

/// All values of a tensor.
pub fn values(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// L2 distance relative to the size of `b`.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
    (difference / square(&mut b.iter().map(|b| f64::from(*b))).max(1e-30)).sqrt()
}
