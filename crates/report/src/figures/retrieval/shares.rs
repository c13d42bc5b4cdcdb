//! How many of the training images nearest to an image are of its class.

use ablate_store::Shares;

use crate::figures::subject::Subject;
use crate::number::{self, Unit};
use crate::statistics::Sample;
use crate::trials::Trials;

/// The shares of the subjects' variants over their trials.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The first subject's: how many were found for how many, and what does not
    /// depend on the model.
    pub(crate) first: Shares,
    /// By the last hidden layer: variant and values over its trials.
    pub(crate) features: Vec<(String, Sample)>,
}

impl Summary {
    /// The shares of the subjects' variants; `None` where no trial has any. Trials
    /// that searched other images than the first are left out.
    pub(crate) fn new(subjects: &[Subject], trials: &Trials) -> Option<Self> {
        let all = subjects.iter().map(|subject| subject.outputs.shares());
        let first = *all.flatten().next()?;
        let is_alike = |shares: &&Shares| {
            (shares.queries, shares.gallery, shares.pixels)
                == (first.queries, first.gallery, first.pixels)
        };
        let variant = |subject: &Subject| {
            let group = trials.group(subject.variant).into_iter();
            let outputs = group
                .flat_map(|group| group.finished())
                .filter_map(|trial| trial.outputs.as_ref());
            let shares = outputs.filter_map(|outputs| outputs.shares());
            let values: Vec<f64> = shares.filter(is_alike).map(|s| s.features).collect();
            Some((subject.variant.to_string(), Sample::of(&values)?))
        };
        Some(Self {
            first,
            features: subjects.iter().filter_map(variant).collect(),
        })
    }

    /// The shares in a sentence.
    pub(crate) fn text(&self) -> String {
        let share = |value: f64| number::estimate(value, None, Unit::Percent);
        let features: Vec<String> = self
            .features
            .iter()
            .map(|(name, sample)| format!("{name} {}", number::sample(sample, Unit::Percent)))
            .collect();
        let first = &self.first;
        format!(
            "Retrieval: share in percent of the {} of {} training images nearest to each of {} \
             validation images that are of its class, by the last hidden layer: {}; by pixels: {}; \
             by chance: {}.",
            first.found,
            first.gallery,
            first.queries,
            features.join(", "),
            share(first.pixels),
            share(first.chance)
        )
    }
}
