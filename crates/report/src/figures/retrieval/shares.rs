//! How many of an image's nearest neighbours are of its class.

use ablate_store::Trial;

use super::FOUND;
use super::near::{chance, neighbours, share_of_class};
use crate::Result;
use crate::figures::subject::{Subject, labels};
use crate::number::{self, Unit};
use crate::statistics::Sample;
use crate::trials::Trials;

/// The share of the nearest samples that are of the query's class, every sample
/// being a query in turn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    /// Neighbours counted for each query.
    pub(crate) found: usize,
    /// Samples.
    pub(crate) samples: usize,
    /// By the last hidden layer: variant and values over its trials.
    pub(crate) features: Vec<(String, Sample)>,
    /// By the images' pixels.
    pub(crate) pixels: f64,
    /// Of neighbours drawn at random.
    pub(crate) chance: f64,
}

impl Shares {
    /// The shares of the subjects' variants; `None` without features, or without
    /// two samples.
    ///
    /// # Errors
    /// A file of outputs cannot be read or is damaged.
    pub(crate) fn new(subjects: &[Subject], trials: &Trials) -> Result<Option<Self>> {
        let Some(first) = subjects.first() else {
            return Ok(None);
        };
        let count = first.labels.len();
        let by_pixels = neighbours(&first.samples.pixels, count, FOUND);
        let pixels = share_of_class(&by_pixels, &first.labels);
        let (Some(pixels), Some(chance)) = (pixels, chance(&first.labels)) else {
            return Ok(None);
        };
        let mut features = Vec::new();
        for subject in subjects {
            let mut values = Vec::new();
            let group = trials.group(subject.variant).into_iter();
            for trial in group.flat_map(|group| group.finished()) {
                values.extend(share(trial)?);
            }
            features
                .extend(Sample::of(&values).map(|sample| (subject.variant.to_string(), sample)));
        }
        Ok((!features.is_empty()).then(|| Self {
            found: FOUND.min(count - 1),
            samples: count,
            features,
            pixels,
            chance,
        }))
    }

    /// The shares in a sentence.
    pub(crate) fn text(&self) -> String {
        let share = |value: f64| number::estimate(value, None, Unit::Percent);
        let features: Vec<String> = self
            .features
            .iter()
            .map(|(name, sample)| format!("{name} {}", number::sample(sample, Unit::Percent)))
            .collect();
        format!(
            "Retrieval: share in percent of the {} nearest of {} validation images that are of \
             the query's class, by the last hidden layer: {}; by pixels: {}; by chance: {}.",
            self.found,
            self.samples,
            features.join(", "),
            share(self.pixels),
            share(self.chance)
        )
    }
}

/// The share of one trial.
fn share(trial: &Trial) -> Result<Option<f64>> {
    let Some(outputs) = &trial.outputs else {
        return Ok(None);
    };
    let samples = outputs.samples()?;
    let Some(features) = &samples.features else {
        return Ok(None);
    };
    let labels = labels(&outputs.targets()?, &samples);
    let found = neighbours(features, labels.len(), FOUND);
    Ok(share_of_class(&found, &labels))
}
