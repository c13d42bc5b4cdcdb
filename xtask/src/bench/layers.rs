//! Where a training step spends its time, layer by layer, and how fast this
//! process multiplies matrices meanwhile.

use std::time::Instant;

use ablate_core::Precision;
use ablate_nn::{LayerTime, Stack};
use anyhow::Result;
use candle_core::Device;

use super::case::{PRECISIONS, gemms};
use super::measure::{Limits, Spread};
use super::network::Network;
use super::parts::{LayerPart, Parts};
use super::step::{Learned, Training};
use super::{Implementation, ours, stock};

/// The parts of a step in each precision. The precisions take turns step by
/// step, so that other programs disturb them alike.
///
/// # Errors
/// The network cannot be built.
pub fn time(network: Network, limits: &Limits, quick: bool) -> Result<Vec<Parts>> {
    let batch = network.batch(quick);
    let mut roofs = PRECISIONS.map(|_| 0.0);
    raise(&mut roofs, limits)?;
    let mut training = Training::new(network, batch, &Device::Cpu, |cx| network.stack(cx))?;
    let mut steps = PRECISIONS.map(|_| Vec::new());
    // The first steps allocate the buffers.
    for precision in PRECISIONS {
        step(&mut training, precision)?;
    }
    let start = Instant::now();
    while steps[0].is_empty()
        || steps[0].len() < limits.repeats
            && start.elapsed().as_secs_f64() < PRECISIONS.len() as f64 * limits.seconds
    {
        for (steps, precision) in steps.iter_mut().zip(PRECISIONS) {
            steps.push(step(&mut training, precision)?);
        }
    }
    raise(&mut roofs, limits)?;
    let parts = PRECISIONS.into_iter().zip(roofs).zip(&steps);
    Ok(parts
        .map(|((precision, roof), steps)| Parts {
            network,
            precision,
            batch,
            roof,
            layers: layers(steps, batch),
            loss: median(steps, |step| step.learned.loss.as_secs_f64()),
            update: median(steps, |step| step.learned.update.as_secs_f64()),
            rest: median(steps, Step::rest),
            whole: Spread::of(steps.iter().map(|step| step.whole).collect()),
        })
        .collect())
}

/// Multiply-adds a second of the fastest matrix product, where it is faster than
/// those before.
fn raise(roofs: &mut [f64; PRECISIONS.len()], limits: &Limits) -> Result<()> {
    for (roof, precision) in roofs.iter_mut().zip(PRECISIONS) {
        for case in gemms(precision) {
            let mut times = ours::time(&case, limits)?;
            if Implementation::Stock.knows(&case) {
                times.extend(stock::time(&case, limits)?);
            }
            *roof = roof.max(case.multiply_adds() / Spread::of(times).min);
        }
    }
    Ok(())
}

/// One step, in seconds.
struct Step {
    layers: Vec<LayerTime>,
    learned: Learned,
    whole: f64,
}

impl Step {
    /// What no part of it accounts for.
    fn rest(&self) -> f64 {
        let layers = self.layers.iter();
        let layers = layers.map(|time| (time.forward + time.backward).as_secs_f64());
        let learned = (self.learned.loss + self.learned.update).as_secs_f64();
        self.whole - layers.sum::<f64>() - learned
    }
}

fn step(training: &mut Training<Stack>, precision: Precision) -> Result<Step> {
    let start = Instant::now();
    let pass = training.next_pass(precision);
    let mut learned = Learned::default();
    let layers = training
        .model
        .time_layers(&training.images, &pass, |logits| {
            learned = training.learner.learn(logits, &pass)?;
            Ok(())
        })?;
    Ok(Step {
        layers,
        learned,
        whole: start.elapsed().as_secs_f64(),
    })
}

fn layers(steps: &[Step], batch: usize) -> Vec<LayerPart> {
    let first = &steps[0].layers;
    let matrices = first.iter().position(|time| time.layer.multiply_adds > 0);
    let part = |(index, time): (usize, &LayerTime)| LayerPart {
        name: time.layer.name.clone(),
        operation: time.layer.operation.clone(),
        multiply_adds: {
            // Backwards as many for the weights and for the input, which the
            // first of them, that sees the image, leaves out.
            let passes = if Some(index) == matrices { 2 } else { 3 };
            (passes * batch) as f64 * time.layer.multiply_adds as f64
        },
        forward: median(steps, |step| step.layers[index].forward.as_secs_f64()),
        backward: median(steps, |step| step.layers[index].backward.as_secs_f64()),
    };
    first.iter().enumerate().map(part).collect()
}

fn median(steps: &[Step], part: impl Fn(&Step) -> f64) -> f64 {
    Spread::of(steps.iter().map(part).collect()).median
}
