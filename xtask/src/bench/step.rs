//! Times of whole networks: the plugins, loss and optimiser that experiments use.

use std::time::{Duration, Instant};

use ablate_core::{
    Gradients, ModelContext, Optimiser, Parameter, Parameters, Pass, Precision, Stream, registry,
};
use ablate_ops::cross_entropy;
use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::case::{self, Case};
use super::measure::Limits;
use super::network::Network;

/// So low that nothing diverges on random images, whose speed would differ.
const LR: f64 = 1e-4;

/// The seconds of each forward pass or training step.
///
/// # Errors
/// The network cannot be built.
pub fn time(network: Network, case: &Case, limits: &Limits) -> Result<Vec<f64>> {
    let (name, config) = network.plugin();
    let build = |cx: &ModelContext| registry::model(name, &config, cx);
    let device = case.device.open()?;
    let mut training = Training::new(network, case.batch, &device, build)?;
    limits.time(|| {
        if case.pass == case::Pass::Forward {
            let pass = Pass::evaluate().with_precision(case.precision);
            training.model.forward(&training.images, &pass)?;
        } else {
            let pass = training.next_pass(case.precision);
            let logits = training.model.forward(&training.images, &pass)?;
            training.learner.learn(&logits, &pass)?;
        }
        // A GPU goes on by itself.
        Ok(device.synchronize()?)
    })
}

/// A network in training on one batch of noise.
pub struct Training<M> {
    pub model: M,
    /// `[N, C, H, W]`.
    pub images: Tensor,
    pub learner: Learner,
    steps: usize,
}

/// What follows the forward pass.
pub struct Learner {
    targets: Tensor,
    parameters: Vec<Parameter>,
    optimiser: Box<dyn Optimiser>,
}

/// How long two parts of a step took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learned {
    /// The loss itself, without its gradient.
    pub loss: Duration,
    pub update: Duration,
}

impl<M> Training<M> {
    /// Builds the network on `device` with `build`.
    ///
    /// # Errors
    /// What `build` raises.
    pub fn new(
        network: Network,
        batch: usize,
        device: &Device,
        build: impl FnOnce(&ModelContext) -> ablate_core::Result<M>,
    ) -> Result<Self> {
        let (input, classes) = network.sizes();
        let parameters = Parameters::new(Stream::new(0));
        let model = build(&ModelContext {
            input,
            classes,
            parameters: parameters.builder(DType::F32, device),
        })?;
        let [channels, height, width] = input;
        let shape = (batch, channels, height, width);
        let targets: Vec<_> = (0..batch as u32).map(|i| i % classes as u32).collect();
        let parameters = parameters.all();
        let rule = json!({ "lr": LR, "momentum": 0.9, "weight_decay": 5e-4 });
        Ok(Self {
            model,
            images: Tensor::randn(0f32, 1.0, shape, device)?,
            learner: Learner {
                targets: Tensor::new(targets, device)?,
                optimiser: registry::optimiser("sgd_paper", &rule, &parameters)?,
                parameters,
            },
            steps: 0,
        })
    }

    /// The pass of the next step.
    pub fn next_pass(&mut self, precision: Precision) -> Pass {
        self.steps += 1;
        Pass::train(Stream::new(1).at(self.steps)).with_precision(precision)
    }
}

impl Learner {
    /// Loss, backward pass and update from the logits of a pass.
    ///
    /// # Errors
    /// A tensor operation fails.
    pub fn learn(&mut self, logits: &Tensor, pass: &Pass) -> ablate_core::Result<Learned> {
        let start = Instant::now();
        let value = cross_entropy(logits, &self.targets)?;
        value.to_scalar::<f32>()?;
        let loss = start.elapsed();
        let gradients = Gradients::of(&value, pass, &self.parameters)?;
        let start = Instant::now();
        self.optimiser.step(&gradients, LR)?;
        let update = start.elapsed();
        Ok(Learned { loss, update })
    }

    /// The gradient of every parameter from the logits of a pass.
    ///
    /// # Errors
    /// A tensor operation fails.
    pub fn gradients(&self, logits: &Tensor, pass: &Pass) -> ablate_core::Result<Vec<Tensor>> {
        let value = cross_entropy(logits, &self.targets)?;
        Gradients::of(&value, pass, &self.parameters)?.listed(&self.parameters)
    }

    /// Updates by what [`gradients`](Self::gradients) returned.
    ///
    /// # Errors
    /// A tensor operation fails.
    pub fn update(&mut self, gradients: Vec<Tensor>) -> ablate_core::Result<()> {
        let gradients = Gradients::in_order(&self.parameters, gradients);
        self.optimiser.step(&gradients, LR)
    }

    /// Learned values.
    pub fn parameters(&self) -> usize {
        let each = self.parameters.iter();
        each.map(|parameter| parameter.var.elem_count()).sum()
    }
}
