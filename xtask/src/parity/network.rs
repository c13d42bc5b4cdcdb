//! One network: logits, loss, gradients, and the losses of a few training steps,
//! with the model, the loss and the optimiser that experiments use.

use std::collections::HashMap;

use ablate_core::{
    Gradients, Model, ModelContext, Optimiser, Parameter, Parameters, Pass, Stream, registry,
};
use ablate_ops::cross_entropy;
use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::fill::{fill, scale};
use super::fixture::Fixture;
use super::norm::norms;
use super::plugin::Plugin;
use super::score::{Kind, Score};

/// Pixels of a batch beyond which a fixture is taken to be a mistake.
const MOST_PIXELS: usize = 1 << 28;

/// Runs a network fixture.
///
/// # Errors
/// The fixture is incomplete, or describes a network there is no plugin for.
pub fn check(fixture: &Fixture) -> Result<Score> {
    let mut network = Network::of(fixture)?;
    let mut score = Score::default();
    let mut losses = Vec::new();
    let wanted_losses = numbers(fixture.tensor("sgd_losses")?)?;
    ensure!(!wanted_losses.is_empty(), "`sgd_losses` is empty");
    for step in 0..wanted_losses.len() {
        let (logits, loss, gradients) = network.differentiate(step)?;
        if step == 0 {
            score.add(Kind::Output, "logits", &logits, fixture.tensor("logits")?)?;
            let wanted = numbers(fixture.tensor("loss")?)?;
            score.add_values(Kind::Output, "loss", &[loss], &wanted);
            network.compare_gradients(fixture, &gradients, &mut score)?;
        }
        losses.push(loss);
        network.optimiser.step(&gradients, network.lr)?;
    }
    score.add_values(Kind::Training, "sgd_losses", &losses, &wanted_losses);
    Ok(score)
}

/// A network with the fixture's parameters, and its batch.
struct Network {
    model: Box<dyn Model>,
    parameters: Vec<Parameter>,
    optimiser: Box<dyn Optimiser>,
    lr: f64,
    images: Tensor,
    targets: Tensor,
}

impl Network {
    fn of(fixture: &Fixture) -> Result<Self> {
        let Plugin { name, config } = Plugin::of(fixture)?;
        let [batch, image, classes] = sizes(fixture)?;
        let parameters = Parameters::new(Stream::new(0));
        let model = registry::model(
            name,
            &config,
            &ModelContext {
                input: [3, image, image],
                classes,
                parameters: parameters.builder(DType::F32, &Device::Cpu),
            },
        )?;
        let filled = fill_parameters(fixture, &parameters)?;
        parameters
            .load(&filled)
            .context("the fixture's parameters are not the model's")?;

        let number = |key| fixture.number::<f64>(key);
        let optimiser = json!({
            "lr": number("lr")?,
            "momentum": number("momentum")?,
            "weight_decay": number("weight_decay")?,
        });
        let parameters = parameters.all();
        let input = format!("{}.input", fixture.text("model")?);
        Ok(Self {
            model,
            optimiser: registry::optimiser("sgd", &optimiser, &parameters)?,
            parameters,
            lr: number("lr")?,
            images: fill(
                &input,
                fixture.number("seed")?,
                &[batch, 3, image, image],
                1.0,
            )?,
            targets: targets(fixture, batch)?,
        })
    }

    /// Logits, loss and gradients of one training pass. Dropout is off, so the
    /// random stream is never used.
    fn differentiate(&self, step: usize) -> Result<(Tensor, f64, Gradients)> {
        let pass = Pass::train(Stream::new(0).at(step));
        let logits = self.model.forward(&self.images, &pass)?;
        let loss = cross_entropy(&logits, &self.targets)?;
        let gradients = Gradients::of(&loss, &pass, &self.parameters)?;
        Ok((logits, f64::from(loss.to_scalar::<f32>()?), gradients))
    }

    fn compare_gradients(
        &self,
        fixture: &Fixture,
        gradients: &Gradients,
        score: &mut Score,
    ) -> Result<()> {
        for parameter in &self.parameters {
            let name = &parameter.name;
            let gradient = gradients.get(parameter).with_context(|| {
                format!("the loss does not depend on `{name}`, which should have a gradient")
            })?;
            let values = gradient.flatten_all()?.to_vec1::<f32>()?;
            let key = format!("grad_norm.{name}");
            let wanted = numbers(fixture.tensor(&key)?)?;
            score.add_nearest(Kind::NetworkGradient, &key, &norms(&values), &wanted);

            let key = format!("grad_at.{name}");
            let wanted = numbers(fixture.tensor(&key)?)?;
            let picked: Vec<_> = (0..wanted.len() as u64)
                .map(|j| j.wrapping_mul(2_654_435_761) % values.len() as u64)
                .map(|index| f64::from(values[index as usize]))
                .collect();
            score.add_values(Kind::NetworkGradient, &key, &picked, &wanted);
        }
        Ok(())
    }
}

/// Batch, image side and classes, checked against what the file holds.
fn sizes(fixture: &Fixture) -> Result<[usize; 3]> {
    let sizes = ["batch", "image", "classes"].map(|key| fixture.number::<usize>(key));
    let [batch, image, classes] = sizes;
    let [batch, image, classes] = [batch?, image?, classes?];
    let pixels = batch
        .checked_mul(image)
        .and_then(|rows| rows.checked_mul(image));
    ensure!(
        pixels.is_some_and(|pixels| (1..=MOST_PIXELS).contains(&pixels)),
        "a batch of {batch} images of {image}x{image} is empty or too large"
    );
    let logits = fixture.tensor("logits")?.dims();
    ensure!(
        logits == [batch, classes],
        "the logits are {logits:?}, not one row of {classes} classes for each of {batch} images"
    );
    Ok([batch, image, classes])
}

/// The parameters the fixture names, filled as it says; their shapes are the
/// model's.
fn fill_parameters(fixture: &Fixture, parameters: &Parameters) -> Result<HashMap<String, Tensor>> {
    let (model, seed) = (fixture.text("model")?, fixture.number("seed")?);
    let names: Vec<String> = serde_json::from_str(fixture.text("param_names")?)
        .context("the metadata's `param_names` is not a list of names")?;
    let count: usize = fixture.number("params")?;
    ensure!(
        count == parameters.count(),
        "the network has {count} parameters, the model {}",
        parameters.count()
    );
    let all = parameters.all();
    let shape = |name: &String| {
        let parameter = all.iter().find(|parameter| parameter.name == *name);
        parameter
            .map(|parameter| parameter.var.dims().to_vec())
            .with_context(|| format!("the model has no parameter `{name}`"))
    };
    names
        .into_iter()
        .map(|name| {
            let shape = shape(&name)?;
            let values = fill(&format!("{model}.{name}"), seed, &shape, scale(&shape))?;
            Ok((name, values))
        })
        .collect()
}

fn targets(fixture: &Fixture, batch: usize) -> Result<Tensor> {
    let targets = fixture.tensor("target")?;
    ensure!(
        targets.dims() == [batch],
        "`target` should have one label an image"
    );
    let targets = targets.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    let targets = targets
        .into_iter()
        .map(u32::try_from)
        .collect::<Result<Vec<_>, _>>();
    Ok(Tensor::new(
        targets.context("a target is no class number")?,
        &Device::Cpu,
    )?)
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}
