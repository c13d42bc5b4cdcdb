//! Variants that average others: worked out from what finished trials left behind,
//! never trained.

use ablate_core::EpochRecord;
use ablate_store::{Experiment, Outputs, Predictions, Status, Trial, checkpoint, trial_name};
use serde_json::json;

use crate::evaluate::{Metrics, log_add};
use crate::{PlannedTrial, Result, Scores};

/// Trials whose predictions are averaged.
#[derive(Clone, Debug)]
pub struct PlannedGroup<'a> {
    /// The ensemble's name.
    pub variant: &'a str,
    /// The trials, by seed; at least two.
    pub members: Vec<&'a PlannedTrial>,
}

impl<'a> PlannedGroup<'a> {
    /// Every whole group of every ensemble: the seeds in order, none twice.
    pub(crate) fn all(experiment: &'a Experiment, trials: &'a [PlannedTrial]) -> Vec<Self> {
        let groups = experiment.ensembles.iter().flat_map(|(variant, ensemble)| {
            let members: Vec<&PlannedTrial> = trials
                .iter()
                .filter(|trial| trial.variant == ensemble.of)
                .collect();
            let chunks = members.chunks_exact(ensemble.size);
            let group = |members: &[&'a PlannedTrial]| Self {
                variant,
                members: members.to_vec(),
            };
            chunks.map(group).collect::<Vec<_>>()
        });
        groups.collect()
    }

    /// The seed it is stored under: its first member's.
    pub fn seed(&self) -> u64 {
        self.members.first().map_or(0, |member| member.seed)
    }

    /// Content hash over the members.
    pub fn hash(&self) -> String {
        let hashes: Vec<&str> = self.members.iter().map(|member| &*member.hash).collect();
        checkpoint::digest(format!("ensemble\n{}", hashes.join("\n")).as_bytes())
    }

    /// The group as a trial: the mean of its members' probabilities, scored. It
    /// fails, saying why, where a member has none.
    ///
    /// # Errors
    /// A metric cannot be built.
    pub(crate) fn trial(&self, trials: &[Trial]) -> Result<Trial> {
        let trained = |member: &&PlannedTrial| {
            let mut trials = trials.iter();
            trials.find(|trial| trial.hash == member.hash && trial.variant == member.variant)
        };
        let members: Vec<&Trial> = self.members.iter().filter_map(trained).collect();
        let hashes: Vec<&str> = self.members.iter().map(|member| &*member.hash).collect();
        let mut trial = Trial {
            variant: self.variant.to_string(),
            seed: self.seed(),
            members: self.members.iter().map(|member| member.seed).collect(),
            hash: self.hash(),
            status: Status::Unfinished,
            data: members
                .first()
                .map_or(String::new(), |member| member.data.clone()),
            parameters: members.iter().map(|member| member.parameters).sum(),
            history: Vec::new(),
            config: json!({ "members": hashes }),
            outputs: None,
            environment: None,
        };
        if members.len() < self.members.len() {
            return Ok(trial);
        }
        trial.status = match mean_probabilities(&members) {
            Err(message) => Status::Failed { message },
            Ok(predictions) => {
                trial.history.push(self.score(&members, &predictions)?);
                Status::Finished
            }
        };
        Ok(trial)
    }

    /// The one record of a group, that of its members' last epoch. Nothing is
    /// trained, so it has no training metrics.
    fn score(&self, members: &[&Trial], predictions: &Predictions) -> Result<EpochRecord> {
        let names = self
            .members
            .first()
            .map(|member| &member.config.evaluation.metrics);
        let metrics = Metrics::build(names.map_or(&[], Vec::as_slice))?;
        let mut scores = Scores::default();
        scores.add(
            &metrics,
            &predictions.log_probabilities,
            &predictions.targets,
        );
        let last = |trial: &&Trial| trial.history.last().map(|record| record.epoch);
        Ok(EpochRecord {
            epoch: members.iter().filter_map(last).max().unwrap_or(0),
            validation: scores.means(),
            ..EpochRecord::default()
        })
    }
}

/// The mean of the members' probabilities, or why there is none.
fn mean_probabilities(members: &[&Trial]) -> Result<Predictions, String> {
    // Logarithms of sums: an improbable class would be 0 in every member.
    let mut sums: Vec<f64> = Vec::new();
    let mut targets = Vec::new();
    for (index, member) in members.iter().enumerate() {
        // One member's at a time: on ImageNet each takes 200 MB.
        let predictions = outputs(member)?
            .predictions()
            .map_err(|error| error.to_string())?;
        if index == 0 {
            sums = vec![f64::NEG_INFINITY; predictions.log_probabilities.len()];
            targets = predictions.targets;
        } else if targets != predictions.targets
            || sums.len() != predictions.log_probabilities.len()
        {
            return Err("its members did not see the same validation images".to_string());
        }
        for (sum, value) in sums.iter_mut().zip(&predictions.log_probabilities) {
            *sum = log_add(*sum, f64::from(*value));
        }
    }
    let count = (members.len() as f64).ln();
    Ok(Predictions {
        log_probabilities: sums.iter().map(|sum| (sum - count) as f32).collect(),
        targets,
    })
}

/// What a member left behind, or why it left nothing.
fn outputs(member: &Trial) -> Result<&Outputs, String> {
    let seed = member.seed;
    let why = match member.status {
        Status::Finished => {
            let folder = trial_name(&member.variant, seed, &member.hash);
            format!(
                "was run before outputs.safetensors was kept; remove its folder, {folder}, and run \
                 it again"
            )
        }
        Status::Diverged { .. } => "diverged".to_string(),
        Status::Failed { .. } => "failed".to_string(),
        Status::Unfinished => "is unfinished".to_string(),
    };
    let outputs = member.outputs.as_ref();
    outputs.ok_or_else(|| format!("its member of seed {seed} {why}"))
}

#[cfg(test)]
mod tests {
    use ablate_store::{Contents, Samples, TrialFolder};

    use super::*;

    /// A finished trial that gives one image of class 1 this probability.
    fn member(folder: &TrialFolder, seed: u64, probability: f32) -> Trial {
        let log_probabilities = vec![(1.0 - probability).ln(), probability.ln()];
        let contents = Contents {
            classes: ["cat", "dog"].map(String::from).to_vec(),
            predictions: Predictions {
                log_probabilities,
                targets: vec![1],
            },
            samples: Samples {
                shape: [1, 1, 1],
                pixels: Vec::new(),
                index: Vec::new(),
                features: None,
            },
            filters: None,
            retrieval: None,
        };
        folder.write_outputs(&contents).expect("written");
        Trial {
            variant: "single".to_string(),
            seed,
            members: Vec::new(),
            hash: seed.to_string(),
            status: Status::Finished,
            data: String::new(),
            parameters: 1,
            history: Vec::new(),
            config: serde_json::Value::Null,
            outputs: folder.outputs().expect("undamaged"),
            environment: None,
        }
    }

    #[test]
    fn probabilities_are_averaged_not_their_logarithms() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let places = [0, 1].map(|index| TrialFolder::open(folders[index].path()));
        let mut members = [member(&places[0], 0, 0.9), member(&places[1], 1, 0.2)];
        let mean = mean_probabilities(&members.each_ref()).expect("a mean");
        let probabilities = [0, 1].map(|class| mean.log_probabilities[class].exp());
        assert!((probabilities[0] - 0.45).abs() < 1e-6, "{probabilities:?}");
        assert!((probabilities[1] - 0.55).abs() < 1e-6, "{probabilities:?}");
        assert_eq!(mean.targets, [1]);

        members[1].outputs = None;
        let error = mean_probabilities(&members.each_ref()).expect_err("no mean");
        assert!(error.contains("single-seed1-1"), "{error}");
        members[1].status = Status::Diverged { epoch: 3 };
        let error = mean_probabilities(&members.each_ref()).expect_err("no mean");
        assert_eq!(error, "its member of seed 1 diverged");
    }
}
