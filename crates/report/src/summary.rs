//! What there is to say of each variant, and of the setting they share.

use std::collections::BTreeMap;

use ablate_store::{Claim, Ensemble, Experiment, Measure, Trial};
use serde_json::Value;

use crate::reading::Reading;
use crate::statistics::mean;
use crate::trials::{Counts, Group, Trials, distinct};

/// The part a variant plays in the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Claimed to be better.
    Treatment,
    /// What the claim starts from.
    Baseline,
    /// Neither.
    Other,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantSummary {
    /// The variant's name.
    pub name: String,
    /// Its part in the claim.
    pub role: Role,
    /// How it averages another variant; `None` for one that was trained.
    pub ensemble: Option<EnsembleSummary>,
    /// What it changes (dotted key to value); empty where the file does not list it.
    pub changes: BTreeMap<String, Value>,
    /// How its trials ended.
    pub counts: Counts,
    /// The claim's measures first, then the errors every table shows.
    pub readings: Vec<Reading>,
    /// Learned values: least and most over its trials.
    pub parameters: Option<(usize, usize)>,
    /// Training images a second, mean over epochs and finished trials.
    pub images_per_second: Option<f64>,
    /// Bytes that workers handed each other in a training step, both ways, mean
    /// over epochs and finished trials; `None` where one did everything.
    pub exchanged: Option<f64>,
}

/// How an ensemble is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnsembleSummary {
    /// The variant whose trials it averages.
    pub of: String,
    /// Trials in a group.
    pub size: usize,
    /// Seeds of that variant that are in no group.
    pub left: Vec<u64>,
}

impl EnsembleSummary {
    fn of(group: &Group, trials: &Trials) -> Option<Self> {
        let Ensemble { of, size } = group.ensemble?;
        let averaged = |seed: &&u64| {
            let mut groups = group.trials.values();
            groups.any(|trial| trial.members.contains(seed))
        };
        let seeds = trials.group(of).map(|source| source.trials.keys());
        Some(Self {
            of: of.clone(),
            size: *size,
            left: seeds
                .into_iter()
                .flatten()
                .filter(|seed| !averaged(seed))
                .copied()
                .collect(),
        })
    }
}

/// What all variants share.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The data set's description of itself; several only if trials differ.
    pub data: Vec<String>,
    /// The programs and machines that trained.
    pub environments: Vec<String>,
    /// What convolutions and linear layers multiply in: `f32`, `bf16`; several where
    /// trials differ.
    pub precisions: Vec<String>,
    /// All seeds, ascending.
    pub seeds: Vec<u64>,
    /// Epochs that finished trials took: least and most.
    pub epochs: Option<(usize, usize)>,
}

impl Role {
    fn of(claim: &Claim, variant: &str) -> Self {
        match variant {
            name if name == claim.treatment => Self::Treatment,
            name if name == claim.baseline => Self::Baseline,
            _ => Self::Other,
        }
    }

    /// `treatment`, `baseline` or nothing.
    pub fn label(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Baseline => "baseline",
            Self::Other => "",
        }
    }
}

impl VariantSummary {
    /// `relu (treatment)`.
    pub fn title(&self) -> String {
        match self.role.label() {
            "" => self.name.clone(),
            role => format!("{} ({role})", self.name),
        }
    }

    fn of(experiment: &Experiment, group: &Group, trials: &Trials, measures: &[Measure]) -> Self {
        let listed = experiment
            .variants
            .iter()
            .find(|(name, _)| name == group.name);
        let speeds: Vec<f64> = group
            .finished()
            .flat_map(|trial| trial.history.iter().map(|epoch| epoch.images_per_second))
            .filter(|speed| speed.is_finite() && *speed > 0.0)
            .collect();
        let exchanged: Vec<f64> = group
            .finished()
            .flat_map(|trial| trial.history.iter().filter_map(|epoch| epoch.exchanged))
            .map(|bytes| (bytes.forward + bytes.backward) as f64)
            .collect();
        let parameters = distinct(group.trials.values().map(|trial| trial.parameters));
        Self {
            name: group.name.to_string(),
            role: Role::of(&experiment.claim, group.name),
            ensemble: EnsembleSummary::of(group, trials),
            changes: listed
                .map(|(_, changes)| changes.clone())
                .unwrap_or_default(),
            counts: group.counts(&trials.seeds),
            readings: measures.iter().map(|m| Reading::of(m, group)).collect(),
            parameters: ends(&parameters),
            images_per_second: (!speeds.is_empty()).then(|| mean(&speeds)),
            exchanged: (!exchanged.is_empty()).then(|| mean(&exchanged)),
        }
    }
}

/// A summary of every variant. Measures that no trial has are dropped, except
/// the claim's own.
pub(crate) fn variants(experiment: &Experiment, trials: &Trials) -> Vec<VariantSummary> {
    let claims = experiment.claim.each().into_iter();
    let claimed: Vec<Measure> = claims.map(|claim| claim.measure).collect();
    let measured = |measure: &Measure| {
        let mut groups = trials.groups.iter();
        claimed.contains(measure) || groups.any(|group| !Reading::of(measure, group).is_empty())
    };
    let mut measures = with_usual(&claimed);
    measures.retain(measured);
    let summary = |group| VariantSummary::of(experiment, group, trials, &measures);
    trials.groups.iter().map(summary).collect()
}

pub(crate) fn setting(trials: &Trials) -> Setting {
    let finished = trials.groups.iter().flat_map(Group::finished);
    Setting {
        data: distinct(trials.all().map(|trial| trial.data.clone())),
        precisions: distinct(trials.all().filter_map(|trial| {
            let precision = trial.config.pointer("/training/precision")?;
            precision.as_str().map(str::to_string)
        })),
        environments: distinct(
            trials
                .all()
                .filter_map(|trial| Some(trial.environment.as_ref()?.text())),
        ),
        seeds: trials.seeds.clone(),
        epochs: ends(&distinct(finished.map(last_epoch))),
    }
}

/// The claim's measures, and the errors the paper's tables show, each once: a claim may
/// compare one measure in two ways.
fn with_usual(claimed: &[Measure]) -> Vec<Measure> {
    let usual = [
        Measure::FinalTrain("top1_error".to_string()),
        Measure::FinalValidation("top1_error".to_string()),
        Measure::FinalValidation("top5_error".to_string()),
    ];
    let mut measures: Vec<Measure> = Vec::new();
    for measure in claimed.iter().chain(&usual) {
        if !measures.contains(measure) {
            measures.push(measure.clone());
        }
    }
    measures
}

/// Epochs a trial ran; an ensemble's history holds its members' last alone.
fn last_epoch(trial: &Trial) -> usize {
    trial.history.last().map_or(0, |record| record.epoch)
}

/// The first and last of ascending values.
fn ends(ascending: &[usize]) -> Option<(usize, usize)> {
    Some((*ascending.first()?, *ascending.last()?))
}

#[cfg(test)]
mod tests {
    use ablate_store::{Also, Comparison};

    use super::*;
    use crate::fixture::{experiment, trial};

    #[test]
    fn a_measure_that_is_compared_twice_is_read_once() {
        let mut experiment = experiment();
        let measure = experiment.claim.measure.clone();
        experiment.claim.also = vec![Also {
            measure: measure.clone(),
            comparison: Comparison::Points,
            paper: None,
            paper_text: String::new(),
        }];
        let trials = [trial("relu", 1, &[0.5, 0.2])];
        let trials = Trials::new(&experiment, &trials).expect("sorted");
        for variant in variants(&experiment, &trials) {
            let readings = variant.readings.iter();
            let same = readings.filter(|reading| reading.measure == measure);
            assert_eq!(same.count(), 1, "{}", variant.name);
        }
    }
}
