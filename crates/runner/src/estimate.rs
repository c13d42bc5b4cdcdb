//! How long a plan takes, from a few steps of each of its trials' kinds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::time::{Duration, Instant};

use ablate_core::{Pass, Split};
use ablate_parallel::Alone;

use crate::continuation;
use crate::evaluate::over_views;
use crate::loader;
use crate::parallel::Share;
use crate::session::Session;
use crate::{Plan, PlannedTrial, Result};

/// Steps that are timed, after one that is not: the first one makes buffers.
const STEPS: usize = 3;

/// A step that takes longer is timed once.
const LONG: Duration = Duration::from_secs(2);

/// What one kind of trial takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The variant.
    pub variant: String,
    /// One epoch of training.
    pub epoch: Duration,
    /// One evaluation of the validation split.
    pub evaluation: Duration,
    /// All of the plan's trials of this kind, to their last epoch.
    pub trials: Duration,
}

/// What decides how long a step takes: not the seed, and not the many rates of a
/// search.
fn kind(trial: &PlannedTrial) -> impl Hash + Eq + '_ {
    let config = &trial.config;
    let network = (&config.model, &config.data, &config.augmentation);
    let step = (&config.optimiser.name, config.training.precision);
    let training = (config.training.batch_size, config.training.parts);
    let batches = (training, config.evaluation.batch_size);
    (&trial.variant, network, step, batches)
}

impl Plan {
    /// Times a few steps of each kind of trial.
    ///
    /// The times are those of a trial that has the machine for itself; trials that
    /// stop early take less.
    ///
    /// # Errors
    /// Whatever a plugin says to its config or its data.
    pub fn estimate(&self) -> Result<Vec<Estimate>> {
        let mut estimates: Vec<Estimate> = Vec::new();
        let mut kinds = HashMap::new();
        for trial in &self.trials {
            let place = match kinds.entry(kind(trial)) {
                Entry::Occupied(place) => *place.get(),
                Entry::Vacant(place) => {
                    estimates.push(self.time(trial)?);
                    *place.insert(estimates.len() - 1)
                }
            };
            let every = trial.config.evaluation.every;
            let epochs = continuation::own_epochs(self, trial)?;
            let estimate = &mut estimates[place];
            estimate.trials += estimate.epoch * epochs as u32;
            estimate.trials += estimate.evaluation * epochs.div_ceil(every) as u32;
        }
        Ok(estimates)
    }

    /// Times an epoch and an evaluation of a trial.
    fn time(&self, trial: &PlannedTrial) -> Result<Estimate> {
        let config = &trial.config;
        let data = self.dataset(&config.data)?;
        let (images, held_out) = (data.len(Split::Train), data.len(Split::Validation));
        let mut session = Session::build(trial, data)?;
        let source = session.source();
        let begun = Instant::now();
        let share = Share::new(config.training.parts, &Alone);
        let batch = loader::first_batch(&source, config, share, session.seed)?;
        // The next is made on other threads while one trains.
        let make = begun.elapsed();
        let mut times = Vec::with_capacity(STEPS);
        for step in 0..=STEPS {
            let begun = Instant::now();
            session.rehearse(&batch, share, step, config.training.precision)?;
            let took = begun.elapsed();
            if step > 0 {
                times.push(took);
            }
            if took > LONG && !times.is_empty() {
                break;
            }
        }
        let step = times.into_iter().min().unwrap_or_default();
        let steps = images as f64 / batch.whole as f64;
        let begun = Instant::now();
        let views = source.pipeline.view_count();
        let shown = (config.evaluation.batch_size / views).clamp(1, held_out);
        let batch = loader::evaluation_batch(&source, Split::Validation, 0..shown)?;
        let pass = Pass::evaluate().with_precision(config.training.precision);
        over_views(&session.model.forward(&batch.images, &pass)?, views)?;
        let evaluation = begun.elapsed().mul_f64(held_out as f64 / shown as f64);
        Ok(Estimate {
            variant: trial.variant.clone(),
            epoch: step.max(make).mul_f64(steps),
            evaluation,
            trials: Duration::ZERO,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrialConfig;

    #[test]
    fn what_takes_another_time_is_another_kind() {
        let trial = |seed, change: fn(&mut TrialConfig)| {
            let mut config = TrialConfig::of_any();
            change(&mut config);
            PlannedTrial::new("a", seed, &config.hashes(), config)
        };
        let trials = [
            trial(0, |_| {}),
            trial(1, |_| {}),
            trial(0, |config| config.training.epochs = 7),
            trial(0, |config| config.training.parts = 8),
        ];
        let is_alike = |other: usize| kind(&trials[0]) == kind(&trials[other]);
        assert!(is_alike(1) && is_alike(2), "neither seed nor epochs");
        assert!(!is_alike(3), "parts");
    }
}
