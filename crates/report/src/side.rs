//! The two sides of a pair, and which trials make one.

use ablate_store::{Censored, Measure, Status, Trial};

use crate::reading;
use crate::statistics::mean;
use crate::trials::{Group, distinct};

/// One side of a pair: a trial or, set against an ensemble, the trials it averages.
#[derive(Clone, Debug)]
pub(crate) struct Side<'a>(Vec<&'a Trial>);

/// Trials to be set against each other.
pub(crate) struct Matched<'a> {
    /// The seed they share, or the seeds of an ensemble's group.
    pub(crate) seeds: Vec<u64>,
    /// `None` where a trial was not run.
    pub(crate) baseline: Option<Side<'a>>,
    /// `None` where a trial was not run.
    pub(crate) treatment: Option<Side<'a>>,
}

/// Pairs the trials of one seed; a group of an ensemble with the other variant's
/// trials of the same seeds.
pub(crate) fn matched<'a>(baseline: &Group<'a>, treatment: &Group<'a>) -> Vec<Matched<'a>> {
    let groups = [baseline, treatment];
    let grouped = groups.iter().any(|group| group.ensemble.is_some());
    let keys = groups
        .iter()
        .filter(|group| group.ensemble.is_some() == grouped)
        .flat_map(|group| group.trials.values())
        .map(|trial| seeds(trial));
    let side = |group: &Group<'a>, seeds: &[u64]| Side::of(group, seeds);
    distinct(keys)
        .into_iter()
        .map(|seeds| Matched {
            baseline: side(baseline, &seeds),
            treatment: side(treatment, &seeds),
            seeds,
        })
        .collect()
}

/// The seed of a trial, or the seeds that a group averages.
pub(crate) fn seeds(trial: &Trial) -> Vec<u64> {
    match trial.members.is_empty() {
        true => vec![trial.seed],
        false => trial.members.clone(),
    }
}

impl<'a> Side<'a> {
    /// The trials of a group with these seeds; `None` where one is missing.
    fn of(group: &Group<'a>, seeds: &[u64]) -> Option<Self> {
        let trial = |seed: &u64| group.trials.get(seed).copied();
        if group.ensemble.is_some() {
            let whole = trial(seeds.first()?).filter(|trial| trial.members == seeds);
            return whole.map(Self::from);
        }
        seeds.iter().map(trial).collect::<Option<_>>().map(Self)
    }

    /// The measure, a mean over the trials: a bound where it is for one of them,
    /// missing where it is missing from one.
    pub(crate) fn value(&self, measure: &Measure) -> Censored {
        let mut values = Vec::with_capacity(self.0.len());
        let mut is_bound = false;
        for trial in &self.0 {
            match reading::read(measure, trial) {
                Censored::Seen(value) => values.push(value),
                Censored::MoreThan(value) => {
                    values.push(value);
                    is_bound = true;
                }
                Censored::Missing => return Censored::Missing,
            }
        }
        match is_bound {
            true => Censored::MoreThan(mean(&values)),
            false => Censored::Seen(mean(&values)),
        }
    }

    /// Whether a trial diverged.
    pub(crate) fn diverged(&self) -> bool {
        let diverged = |trial: &&Trial| matches!(trial.status, Status::Diverged { .. });
        self.0.iter().any(diverged)
    }

    /// Why the measure is missing, where a trial's end explains it: the first such
    /// trial's reason.
    pub(crate) fn trouble(&self, side: &str, measure: &Measure) -> Option<String> {
        let needs_outputs = measure.metric().is_none();
        self.0.iter().find_map(|trial| match &trial.status {
            Status::Diverged { .. } => Some(format!("{side} diverged")),
            Status::Failed { message } => {
                let first = message.lines().next().unwrap_or_default();
                Some(format!("{side} failed ({first})"))
            }
            Status::Unfinished => Some(format!("{side} is unfinished")),
            Status::Finished if needs_outputs && trial.outputs.is_none() => Some(format!(
                "{side} was run before outputs.safetensors was kept; remove its folder and run \
                 it again"
            )),
            Status::Finished => None,
        })
    }
}

impl<'a> From<&'a Trial> for Side<'a> {
    fn from(trial: &'a Trial) -> Self {
        Self(vec![trial])
    }
}
