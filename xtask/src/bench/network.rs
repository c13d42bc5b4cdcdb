//! Times of whole networks: the plugins, loss and optimiser that experiments use.

use ablate_core::{Gradients, ModelContext, Parameters, Pass, Stream, registry};
use ablate_ops::cross_entropy;
use anyhow::{Result, bail};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::case::{self, Case, Work};
use super::measure::Limits;

/// The seconds of each forward pass or training step.
///
/// # Errors
/// The case is no network, or it cannot be built.
pub fn time(case: &Case, limits: &Limits) -> Result<Vec<f64>> {
    let (Some((name, config)), Work::Network { classes, .. }) = (case.plugin(), &case.work) else {
        bail!("`{}` is no network", case.name)
    };
    let [channels, height, width] = case.input[..] else {
        bail!("`{}` has an input of shape {:?}", case.name, case.input)
    };
    let parameters = Parameters::new(Stream::new(0));
    let model = registry::model(
        name,
        &config,
        &ModelContext {
            input: [channels, height, width],
            classes: *classes,
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        },
    )?;
    let shape = (case.batch, channels, height, width);
    let images = Tensor::randn(0f32, 1.0, shape, &Device::Cpu)?;
    if case.pass == case::Pass::Forward {
        return limits.time(|| {
            model.forward(&images, &Pass::evaluate())?;
            Ok(())
        });
    }
    let targets: Vec<_> = (0..case.batch as u32)
        .map(|i| i % *classes as u32)
        .collect();
    let targets = Tensor::new(targets, &Device::Cpu)?;
    let parameters = parameters.all();
    let rule = json!({ "lr": LR, "momentum": 0.9, "weight_decay": 5e-4 });
    let mut optimiser = registry::optimiser("sgd_paper", &rule, &parameters)?;
    let mut step = 0;
    limits.time(|| {
        let pass = Pass::train(Stream::new(1).at(step));
        let loss = cross_entropy(&model.forward(&images, &pass)?, &targets)?;
        let gradients = Gradients::of(&loss, &pass, &parameters)?;
        optimiser.step(&gradients, LR)?;
        loss.to_scalar::<f32>()?;
        step += 1;
        Ok(())
    })
}

/// So low that nothing diverges on random images, whose speed would differ.
const LR: f64 = 1e-4;
