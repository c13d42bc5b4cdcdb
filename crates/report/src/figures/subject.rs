//! The trials that figures are drawn of.

use ablate_store::{Claim, Outputs, Predictions, Retrieval, Samples, Trial};

use crate::Result;
use crate::trials::{Group, Trials};

/// One trial with what its model says.
pub(crate) struct Subject<'a> {
    /// `relu`, the variant.
    pub(crate) variant: &'a str,
    /// `relu, seed 0`.
    pub(crate) title: String,
    pub(crate) outputs: &'a Outputs,
    pub(crate) predictions: Predictions,
    pub(crate) samples: Samples,
    /// The samples' classes.
    pub(crate) labels: Vec<usize>,
    /// The training images nearest to the samples, where it searched any.
    pub(crate) retrieval: Option<Retrieval>,
}

/// The treatment's and the baseline's trial, as far as there are such, and a note
/// on each that has none.
///
/// # Errors
/// A file of outputs cannot be read or is damaged.
pub(crate) fn subjects<'a>(
    claim: &Claim,
    trials: &Trials<'a>,
) -> Result<(Vec<Subject<'a>>, Vec<String>)> {
    let (mut subjects, mut notes) = (Vec::new(), Vec::new());
    for name in [&claim.treatment, &claim.baseline] {
        let Some(group) = trials.group(name).filter(|group| group.ensemble.is_none()) else {
            continue;
        };
        let found = shown(group);
        match found {
            Some((trial, outputs)) => subjects.push(Subject::new(trial, outputs)?),
            None if group.finished().next().is_some() => notes.push(format!(
                "Figures of what {name} has learned need its trials run again: they finished \
                 before a trial kept its model's outputs. Remove their folders and run."
            )),
            None => {}
        }
    }
    Ok((subjects, notes))
}

/// The first finished trial that kept its outputs.
fn shown<'a>(group: &Group<'a>) -> Option<(&'a Trial, &'a Outputs)> {
    let kept = |trial: &'a Trial| Some((trial, trial.outputs.as_ref()?));
    group.finished().find_map(kept)
}

impl<'a> Subject<'a> {
    fn new(trial: &'a Trial, outputs: &'a Outputs) -> Result<Self> {
        let (predictions, samples) = (outputs.predictions()?, outputs.samples()?);
        Ok(Self {
            variant: &trial.variant,
            title: format!("{}, seed {}", trial.variant, trial.seed),
            labels: labels(&predictions.targets, &samples),
            retrieval: outputs.retrieval()?,
            outputs,
            predictions,
            samples,
        })
    }

    /// The name of a class.
    pub(crate) fn class(&self, label: usize) -> &str {
        self.outputs
            .classes()
            .get(label)
            .map_or("?", String::as_str)
    }

    /// Whether both show the same images of the same classes.
    pub(crate) fn has_samples_of(&self, other: &Self) -> bool {
        self.samples.index == other.samples.index
            && self.samples.pixels == other.samples.pixels
            && self.labels == other.labels
            && self.outputs.classes() == other.outputs.classes()
    }
}

/// The subjects that can be shown beside the first: those with its samples.
pub(crate) fn comparable<'s, 'a>(subjects: &'s [Subject<'a>]) -> Vec<&'s Subject<'a>> {
    let first = subjects.iter().take(1);
    let others = subjects.iter().skip(1);
    let others = others.filter(|other| other.has_samples_of(&subjects[0]));
    first.chain(others).collect()
}

/// The samples' classes, by the labels of the whole split.
fn labels(targets: &[u32], samples: &Samples) -> Vec<usize> {
    let label = |index: &u32| targets[*index as usize] as usize;
    samples.index.iter().map(label).collect()
}
