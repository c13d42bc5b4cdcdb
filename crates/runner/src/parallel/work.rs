//! A rank's work on its share of a batch: losses, scores and gradients.

use std::ops::Range;

use ablate_core::{Gradients, Pass, Precision, Stream};
use ablate_parallel::halves;
use candle_core::{Device, Tensor};

use crate::evaluate::log_probabilities;
use crate::loader::Batch;
use crate::session::Session;
use crate::{Result, Scores};

use super::Share;

/// What a rank works on.
pub(crate) struct Work<'a> {
    /// The rank's images.
    pub batch: &'a Batch,
    /// Its parts, by their images' places in the whole batch.
    pub parts: &'a [Range<usize>],
    /// The random stream of the step.
    pub stream: Stream,
    /// What products are taken of.
    pub precision: Precision,
}

/// What the work gave.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Of each part, what it adds to the mean loss over the whole batch.
    pub losses: Vec<f64>,
    /// Scores of each part.
    pub scores: Vec<Scores>,
    /// Gradients of the loss over the rank's images; `None` where a loss is no
    /// finite number.
    pub gradients: Option<Vec<Tensor>>,
}

/// The Euclidean norm of all gradients together.
pub(crate) fn norm(gradients: &[Tensor]) -> Result<f64> {
    Ok(ablate_ops::squared_norm(gradients)?.sqrt())
}

impl Session {
    /// Works through a rank's parts, and adds their gradients up by halves.
    pub fn work(&self, work: &Work) -> Result<Found> {
        let mut found = Found::default();
        found.gradients = self.add_up(work, 0..work.parts.len(), &mut found)?;
        Ok(found)
    }

    /// Does all of a training step but change the weights, to see how long it takes:
    /// at a rate of 0 no step diverges.
    pub fn rehearse(
        &mut self,
        batch: &Batch,
        share: Share,
        step: usize,
        precision: Precision,
    ) -> Result<()> {
        let work = Work {
            batch,
            parts: &share.parts(batch.whole),
            stream: self.stream(0, step),
            precision,
        };
        let Some(gradients) = self.work(&work)?.gradients else {
            return Ok(());
        };
        norm(&gradients)?;
        self.update(gradients, 0.0)
    }

    fn add_up(
        &self,
        work: &Work,
        parts: Range<usize>,
        found: &mut Found,
    ) -> Result<Option<Vec<Tensor>>> {
        let Some([first, second]) = halves(parts.clone()) else {
            return self.part(work, work.parts[parts.start].clone(), found);
        };
        let first = self.add_up(work, first, found)?;
        let second = self.add_up(work, second, found)?;
        let (Some(first), Some(second)) = (first, second) else {
            return Ok(None);
        };
        let pairs = first.into_iter().zip(second);
        Ok(Some(
            pairs
                .map(|(a, b)| a + b)
                .collect::<candle_core::Result<_>>()?,
        ))
    }

    /// Gradients of every parameter, zero where the loss does not depend on it.
    fn part(
        &self,
        work: &Work,
        part: Range<usize>,
        found: &mut Found,
    ) -> Result<Option<Vec<Tensor>>> {
        if part.is_empty() {
            found.losses.push(0.0);
            found.scores.push(Scores::default());
            let zeros = self.list.iter().map(|parameter| parameter.var.zeros_like());
            return Ok(Some(zeros.collect::<candle_core::Result<_>>()?));
        }
        let pass = Pass::train(work.stream)
            .with_precision(work.precision)
            .starting_at(part.start);
        let start = part.start - work.batch.first;
        let images = work
            .batch
            .images
            .narrow(0, start, part.len())?
            .contiguous()?;
        let targets = &work.batch.targets[start..start + part.len()];
        let logits = self.model.forward(&images, &pass)?;
        let labels = Tensor::new(targets, &Device::Cpu)?;
        let loss = ablate_ops::cross_entropy(&logits, &labels)?;
        // Parts count by their images: the sum is the mean over the whole batch.
        let loss = (loss * (part.len() as f64 / work.batch.whole as f64))?;
        // Asked for before the loss is looked at, so that a GPU need not wait meanwhile.
        let gradients = Gradients::of(&loss, &pass, &self.list)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        found.losses.push(value);
        if !value.is_finite() {
            return Ok(None);
        }
        let mut scores = Scores::default();
        scores.add(&self.metrics, &log_probabilities(&logits)?, targets);
        found.scores.push(scores);
        Ok(Some(gradients.listed(&self.list)?))
    }

    /// Updates by the gradients of every parameter, in the list's order.
    pub fn update(&mut self, gradients: Vec<Tensor>, learning_rate: f64) -> Result<()> {
        let gradients = Gradients::in_order(&self.list, gradients);
        Ok(self.optimiser.step(&gradients, learning_rate)?)
    }
}
