//! Trials sorted by variant and seed, with none lost on the way.

use std::collections::{BTreeMap, BTreeSet};

use ablate_core::nearest;
use ablate_store::{Ensemble, Experiment, Status, Trial};

use crate::{Error, Result};

/// The trials of an experiment: the variants in the order of its file, each
/// with its trials by seed.
pub(crate) struct Trials<'a> {
    /// One group a variant.
    pub(crate) groups: Vec<Group<'a>>,
    /// Every seed any variant was run with, ascending.
    pub(crate) seeds: Vec<u64>,
    /// The places of the claim's two variants among the groups.
    baseline: usize,
    treatment: usize,
}

/// The trials of one variant.
pub(crate) struct Group<'a> {
    pub(crate) name: &'a str,
    /// How it averages another variant's trials; `None` for one that was trained.
    pub(crate) ensemble: Option<&'a Ensemble>,
    pub(crate) trials: BTreeMap<u64, &'a Trial>,
}

/// How many trials of a variant ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ran the whole budget or reached the stopping target.
    pub finished: usize,
    /// The loss was not finite.
    pub diverged: usize,
    /// Ended by an error.
    pub failed: usize,
    /// Not started or cut off.
    pub unfinished: usize,
    /// Seeds other variants were run with and this one was not.
    pub missing: usize,
}

impl<'a> Trials<'a> {
    /// Sorts the trials. Variants the experiment does not list come last.
    ///
    /// # Errors
    /// Two different trials for one variant and seed, or a claim about a variant
    /// that does not exist.
    pub(crate) fn new(experiment: &'a Experiment, trials: &'a [Trial]) -> Result<Self> {
        let listed: Vec<&str> = experiment
            .variants
            .iter()
            .map(|(name, _)| &**name)
            .collect();
        let others: BTreeSet<&str> = trials
            .iter()
            .map(|trial| &*trial.variant)
            .filter(|name| !listed.contains(name))
            .collect();
        let mut groups: Vec<Group> = listed
            .into_iter()
            .chain(others)
            .map(|name| Group {
                name,
                ensemble: experiment.ensembles.get(name),
                trials: BTreeMap::new(),
            })
            .collect();
        for trial in trials {
            let group = groups.iter_mut().find(|group| group.name == trial.variant);
            let earlier = group.and_then(|group| group.trials.insert(trial.seed, trial));
            if let Some(earlier) = earlier.filter(|earlier| earlier.hash != trial.hash) {
                return Err(Error::Ambiguous {
                    variant: trial.variant.clone(),
                    seed: trial.seed,
                    first: earlier.hash.clone(),
                    second: trial.hash.clone(),
                });
            }
        }
        let place = |name: &str| {
            let place = groups.iter().position(|group| group.name == name);
            place.ok_or_else(|| Error::UnknownVariant {
                experiment: experiment.name.clone(),
                variant: name.to_string(),
                fix: nearest(name, groups.iter().map(|group| group.name)),
            })
        };
        Ok(Self {
            baseline: place(&experiment.claim.baseline)?,
            treatment: place(&experiment.claim.treatment)?,
            seeds: distinct(trials.iter().map(|trial| trial.seed)),
            groups,
        })
    }

    /// The variant that the claim starts from.
    pub(crate) fn baseline(&self) -> &Group<'a> {
        &self.groups[self.baseline]
    }

    /// The variant that the claim is about.
    pub(crate) fn treatment(&self) -> &Group<'a> {
        &self.groups[self.treatment]
    }

    /// The group of a variant.
    pub(crate) fn group(&self, name: &str) -> Option<&Group<'a>> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// All trials, variant by variant.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Trial> {
        self.groups
            .iter()
            .flat_map(|group| group.trials.values().copied())
    }
}

impl<'a> Group<'a> {
    /// The trials that finished, by seed.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &'a Trial> {
        let finished = |trial: &&Trial| trial.status == Status::Finished;
        self.trials.values().copied().filter(finished)
    }

    /// How the trials ended, `seeds` being all that the experiment was run with. An
    /// ensemble has a trial for each of its groups instead.
    pub(crate) fn counts(&self, seeds: &[u64]) -> Counts {
        let mut counts = Counts::default();
        let groups: Vec<u64> = self.trials.keys().copied().collect();
        let seeds = match self.ensemble {
            Some(_) => &groups,
            None => seeds,
        };
        for seed in seeds {
            match self.trials.get(seed).map(|trial| &trial.status) {
                Some(Status::Finished) => counts.finished += 1,
                Some(Status::Diverged { .. }) => counts.diverged += 1,
                Some(Status::Failed { .. }) => counts.failed += 1,
                Some(Status::Unfinished) => counts.unfinished += 1,
                None => counts.missing += 1,
            }
        }
        counts
    }
}

impl Counts {
    /// All counts with what they count, the finished first.
    pub fn named(self) -> [(&'static str, usize); 5] {
        [
            ("finished", self.finished),
            ("diverged", self.diverged),
            ("failed", self.failed),
            ("unfinished", self.unfinished),
            ("missing", self.missing),
        ]
    }

    /// All trials, whatever became of them.
    pub fn total(self) -> usize {
        self.named().iter().map(|(_, count)| count).sum()
    }

    /// `3 finished, 1 diverged`; only the finished are named when zero.
    pub fn text(self) -> String {
        let named = self.named().into_iter().enumerate();
        let shown = named.filter(|(index, (_, count))| *index == 0 || *count > 0);
        let parts: Vec<String> = shown
            .map(|(_, (what, count))| format!("{count} {what}"))
            .collect();
        parts.join(", ")
    }
}

/// The distinct values, ascending.
pub(crate) fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    values
        .into_iter()
        .collect::<BTreeSet<T>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{experiment, trial};

    #[test]
    fn every_trial_is_counted() {
        let experiment = experiment();
        let mut trials = vec![
            trial("relu", 1, &[0.5]),
            trial("relu", 2, &[0.5]),
            trial("relu", 3, &[]),
            trial("relu", 4, &[]),
            trial("tanh", 5, &[0.5]),
        ];
        trials[1].status = Status::Diverged { epoch: 2 };
        trials[2].status = Status::Failed {
            message: "disk full".to_string(),
        };
        trials[3].status = Status::Unfinished;
        let sorted = Trials::new(&experiment, &trials).expect("sorted");
        let relu = sorted.group("relu").expect("relu").counts(&sorted.seeds);
        assert_eq!(
            relu.text(),
            "1 finished, 1 diverged, 1 failed, 1 unfinished, 1 missing"
        );
        let tanh = sorted.group("tanh").expect("tanh").counts(&sorted.seeds);
        assert_eq!(tanh.text(), "1 finished, 4 missing");
        assert_eq!(Counts::default().text(), "0 finished");
    }

    #[test]
    fn variants_the_experiment_does_not_list_come_last() {
        let experiment = experiment();
        let trials = [trial("zeta", 1, &[]), trial("elu", 1, &[])];
        let sorted = Trials::new(&experiment, &trials).expect("sorted");
        let names: Vec<&str> = sorted.groups.iter().map(|group| group.name).collect();
        assert_eq!(names, ["relu", "tanh", "elu", "zeta"]);
    }

    #[test]
    fn stale_trials_and_unknown_variants_are_refused() {
        let mut experiment = experiment();
        let mut trials = vec![trial("relu", 1, &[0.5]), trial("relu", 1, &[0.5])];
        assert!(Trials::new(&experiment, &trials).is_ok());
        trials[1].hash = "other".to_string();
        let error = Trials::new(&experiment, &trials).err().expect("ambiguous");
        assert!(
            error.to_string().contains("two trials for seed 1"),
            "{error}"
        );

        experiment.claim.treatment = "rely".to_string();
        let error = Trials::new(&experiment, &[]).err().expect("unknown");
        assert!(
            error.to_string().contains("did you mean `relu`?"),
            "{error}"
        );
    }
}
