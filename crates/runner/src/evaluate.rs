//! Metrics over a split, and their running means.

use std::collections::BTreeMap;

use ablate_core::{Metric, Pass, Precision, Split, registry};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::loader;
use crate::session::Session;
use crate::{Error, Result};

/// The metrics of a trial by name.
pub(crate) struct Metrics(Vec<(String, Box<dyn Metric>)>);

impl Metrics {
    /// Builds each metric by name.
    pub fn build(names: &[String]) -> Result<Self> {
        let build = |name: &String| Ok((name.clone(), registry::metric(name, &json!({}))?));
        Ok(Self(names.iter().map(build).collect::<Result<_>>()?))
    }
}

/// Sums of scores, from which means are taken; part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    sums: BTreeMap<String, f64>,
    images: usize,
}

impl Scores {
    /// Adds images given their log-probabilities `[N, classes]`, row-major.
    pub(crate) fn add(&mut self, metrics: &Metrics, log_probabilities: &[f32], targets: &[u32]) {
        let classes = log_probabilities.len() / targets.len().max(1);
        for (name, metric) in &metrics.0 {
            let rows = log_probabilities.chunks_exact(classes.max(1)).zip(targets);
            let sum: f64 = rows.map(|(row, target)| metric.score(row, *target)).sum();
            *self.sums.entry(name.clone()).or_default() += sum;
        }
        self.images += targets.len();
    }

    /// Adds the scores of other images.
    pub(crate) fn join(&mut self, other: Self) {
        for (name, sum) in other.sums {
            *self.sums.entry(name).or_default() += sum;
        }
        self.images += other.images;
    }

    /// Whether every score is a number that a record can hold; where not even the loss
    /// is one, the network has no answers left.
    ///
    /// # Errors
    /// A metric is none though the loss is.
    pub(crate) fn are_finite(&self) -> Result<bool> {
        let is_finite = |(_, sum): &(&String, &f64)| sum.is_finite();
        let Some((name, sum)) = self.sums.iter().find(|score| !is_finite(score)) else {
            return Ok(true);
        };
        if self.sums.get("loss").is_none_or(|loss| !loss.is_finite()) {
            return Ok(false);
        }
        Err(Error::Other(format!(
            "the metric `{name}` adds up to {sum} over images whose loss is finite\n  fix: correct \
             its plugin, or take it out of evaluation.metrics"
        )))
    }

    /// Images added so far.
    pub fn images(&self) -> usize {
        self.images
    }

    /// The mean of each metric; none before the first image.
    pub fn means(&self) -> BTreeMap<String, f64> {
        let mean = |(name, sum): (&String, &f64)| (name.clone(), sum / self.images as f64);
        if self.images == 0 {
            BTreeMap::new()
        } else {
            self.sums.iter().map(mean).collect()
        }
    }
}

/// Log-probabilities of logits `[N, classes]`, row-major.
pub(crate) fn log_probabilities(logits: &Tensor) -> Result<Vec<f32>> {
    let classes = logits.dim(1)?;
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    let mut result = vec![0.0; logits.len()];
    ablate_ops::log_softmax(classes, &logits, &mut result);
    Ok(result)
}

/// Averages the probabilities (not the logits) of each image's views, as the
/// paper does with its ten crops (section 4.1).
fn average_views(log_probabilities: Vec<f32>, classes: usize, views: usize) -> Vec<f32> {
    if views == 1 {
        return log_probabilities;
    }
    let mut result = Vec::with_capacity(log_probabilities.len() / views);
    for image in log_probabilities.chunks_exact(classes * views) {
        for class in 0..classes {
            let of_views = image[class..].iter().step_by(classes);
            result.push(log_mean(of_views.copied()));
        }
    }
    result
}

/// The logarithm of the mean of numbers that are given by their logarithms. The largest
/// is set apart, since all of them may be too small for their exponentials.
fn log_mean(logarithms: impl ExactSizeIterator<Item = f32> + Clone) -> f32 {
    let count = logarithms.len() as f64;
    let largest = f64::from(logarithms.clone().fold(f32::NEG_INFINITY, f32::max));
    if largest == f64::NEG_INFINITY {
        return f32::NEG_INFINITY;
    }
    let sum: f64 = logarithms
        .map(|value| (f64::from(value) - largest).exp())
        .sum();
    (largest + (sum / count).ln()) as f32
}

/// The logarithm of the sum of two numbers that are given by their logarithms.
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (larger, smaller) = (a.max(b), a.min(b));
    match larger == f64::NEG_INFINITY {
        true => larger,
        false => larger + (smaller - larger).exp().ln_1p(),
    }
}

/// Log-probabilities `[N, classes]`, row-major, from the logits of `views` views of
/// each of `N` images: of the mean probability over views.
pub(crate) fn over_views(logits: &Tensor, views: usize) -> Result<Vec<f32>> {
    let classes = logits.dim(1)?;
    Ok(average_views(log_probabilities(logits)?, classes, views))
}

/// Runs a model over the whole validation split and hands `visit` each batch:
/// log-probabilities `[N, classes]` of the mean probability over views, row-major, and
/// labels `[N]`.
pub(crate) fn evaluate(
    session: &Session,
    precision: Precision,
    batch_size: usize,
    mut visit: impl FnMut(&[f32], &[u32]),
) -> Result<()> {
    let count = session.data.len(Split::Validation);
    let views = session.pipeline.view_count();
    // The batch size counts network inputs, so that ten crops need no more memory.
    let images = (batch_size / views).max(1);
    let source = session.source();
    let make = move |batch: usize| {
        let start = batch * images;
        let indices = start..(start + images).min(count);
        loader::evaluation_batch(&source, Split::Validation, indices)
    };
    let pass = Pass::evaluate().with_precision(precision);
    std::thread::scope(|scope| {
        for batch in loader::ahead(scope, &session.loaders, count.div_ceil(images), make) {
            let batch = batch?;
            let logits = session.model.forward(&batch.images, &pass)?;
            let rows = over_views(&logits, views)?;
            visit(&rows, &batch.targets);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn views_are_averaged_as_probabilities() {
        let views = [0.9f32.ln(), 0.1f32.ln(), 0.5f32.ln(), 0.5f32.ln()];
        let averaged = average_views(views.to_vec(), 2, 2);
        assert!((averaged[0].exp() - 0.7).abs() < 1e-6 && (averaged[1].exp() - 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_mean_of_probabilities_that_are_none_as_numbers_is_finite() {
        let views = [-800.0f32, 0.0, -900.0, 0.0, -900.0, 0.0];
        let averaged = average_views(views.to_vec(), 2, 3);
        assert!(
            (averaged[0] - (-800.0 - 3.0f32.ln())).abs() < 1e-3,
            "{averaged:?}"
        );
        let sum = [-900.0, -800.0, f64::NEG_INFINITY]
            .into_iter()
            .fold(f64::NEG_INFINITY, log_add);
        assert!((sum + 800.0).abs() < 1e-9, "{sum}");
        assert!((log_add(0.5f64.ln(), 0.25f64.ln()).exp() - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_metric_that_is_no_number_is_told_from_a_network_that_has_none() {
        let scores = |pairs: &[(&str, f64)]| Scores {
            sums: pairs
                .iter()
                .map(|(name, sum)| ((*name).to_string(), *sum))
                .collect(),
            images: 1,
        };
        assert!(
            scores(&[("loss", 1.0), ("x", 0.0)])
                .are_finite()
                .expect("numbers")
        );
        let spoilt = scores(&[("loss", f64::INFINITY), ("a", f64::NAN)]);
        assert!(!spoilt.are_finite().expect("no answers"));
        let wrong = scores(&[("loss", 1.0), ("x", f64::NAN)]);
        let error = wrong.are_finite().expect_err("a wrong plugin").to_string();
        assert!(error.contains("`x`") && error.contains("fix:"), "{error}");
    }

    #[test]
    fn log_probabilities_survive_large_logits() -> Result<()> {
        let logits = Tensor::new(&[[1e30f32, 0.0], [1.0, 1.0]], &Device::Cpu)?;
        let rows = log_probabilities(&logits)?;
        assert_eq!(rows[0], 0.0);
        assert!((rows[2] - 0.5f32.ln()).abs() < 1e-6);
        Ok(())
    }
}
