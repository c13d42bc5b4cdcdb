//! Going on from a shorter trial of the same config, where that is certain to give
//! the bits of a trial from the start. A trial that was cut off is no business of it.

use std::path::Path;

use ablate_core::{EpochRecord, Progress, Schedule, Split, registry};
use ablate_store::{ExperimentFolder, Status, checkpoint};

use crate::config::TrialConfig;
use crate::plan::in_table;
use crate::progress::TrainProgress;
use crate::{Error, Plan, PlannedTrial, Result};

/// How the names of TensorBoard's files begin.
const EVENTS: &str = "events.out.tfevents";

/// Whether the shorter trial's epochs, which measured `history`, are the first epochs
/// of the longer one.
///
/// Of all that a trial depends on, only its schedule is told the number of epochs. A
/// schedule is a function, so it is asked for both at every step.
fn is_beginning(
    schedule: &dyn Schedule,
    steps_per_epoch: usize,
    [epochs, longer]: [usize; 2],
    history: &[EpochRecord],
) -> bool {
    let factor = |epochs: usize, epoch: usize, step: usize| {
        let progress = Progress {
            epoch,
            step,
            steps_per_epoch,
            epochs,
        };
        let history = &history[..epoch.min(history.len())];
        schedule.factor(progress, history).to_bits()
    };
    let same = |epoch, step| factor(epochs, epoch, step) == factor(longer, epoch, step);
    (0..epochs).all(|epoch| (0..steps_per_epoch).all(|step| same(epoch, step)))
}

/// The epochs that a trial will train by itself, as far as that can be told before the
/// shorter one has measured anything.
pub(crate) fn own_epochs(plan: &Plan, planned: &PlannedTrial) -> Result<usize> {
    let config = &planned.config;
    let epochs = config.training.epochs;
    let Some(shorter) = &planned.continues else {
        return Ok(epochs);
    };
    let steps = steps_per_epoch(plan, config)?;
    let both = [shorter.epochs, epochs];
    match is_beginning(schedule(config)?.as_ref(), steps, both, &[]) {
        true => Ok(epochs - shorter.epochs),
        false => Ok(epochs),
    }
}

/// Makes the checkpoint of the trial that `planned` continues its own, unless it has
/// one already or would end with other bits.
///
/// # Errors
/// A folder cannot be written.
pub(crate) fn begin(plan: &Plan, planned: &PlannedTrial, folder: &ExperimentFolder) -> Result<()> {
    let Some(earlier) = &planned.continues else {
        return Ok(());
    };
    let place = folder.trial(&planned.variant, planned.seed, &planned.hash)?;
    if checkpoint::load(place.path()).map_or(true, |loaded| loaded.checkpoint.is_some()) {
        return Ok(());
    }
    let earlier = folder.at(&planned.variant, planned.seed, &earlier.hash);
    // Whatever is wrong with it, training afresh is right.
    let (Ok(Some(trial)), Ok(loaded)) = (earlier.read(), checkpoint::load(earlier.path())) else {
        return Ok(());
    };
    let Some(mut saved) = loaded
        .checkpoint
        .filter(|_| trial.status == Status::Finished)
    else {
        return Ok(());
    };
    let Ok(mut progress) = serde_json::from_value::<TrainProgress>(saved.progress.clone()) else {
        return Ok(());
    };
    let config = &planned.config;
    let (done, epochs) = (progress.epoch, config.training.epochs);
    let steps = steps_per_epoch(plan, config)?;
    let is_whole = progress.step == 0 && done == progress.history.len() && done < epochs;
    let schedule = schedule(config)?;
    if !is_whole || !is_beginning(schedule.as_ref(), steps, [done, epochs], &progress.history) {
        return Ok(());
    }
    if !done.is_multiple_of(config.evaluation.every)
        && let Some(last) = progress.history.last_mut()
    {
        // Measured because it was the end, which it is no more.
        last.validation.clear();
    }
    saved.progress = serde_json::to_value(&progress)
        .map_err(|error| Error::Other(format!("the progress cannot be packed: {error}")))?;
    copy_events(earlier.path(), place.path());
    checkpoint::save(place.path(), (done * steps) as u64, &saved)?;
    Ok(())
}

fn steps_per_epoch(plan: &Plan, config: &TrialConfig) -> Result<usize> {
    let images = plan.dataset(&config.data)?.len(Split::Train);
    Ok(config.training.steps(images))
}

fn schedule(config: &TrialConfig) -> Result<Box<dyn Schedule>> {
    registry::schedule(&config.schedule.name, &config.schedule.config)
        .map_err(|error| in_table("schedule", error))
}

/// Copies TensorBoard's files, so that the curves begin where training did. They are
/// no result: what cannot be copied is left out.
fn copy_events(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(EVENTS) {
            // A file begun in the same second has the same name.
            let _ = std::fs::copy(entry.path(), to.join(format!("{name}.earlier")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Falls at the end of the budget, or by the history alone.
    enum Falls {
        Never,
        AtHalf,
        AfterLoss,
    }

    impl Schedule for Falls {
        fn factor(&self, progress: Progress, history: &[EpochRecord]) -> f64 {
            let falls = match self {
                Self::Never => false,
                Self::AtHalf => 2 * progress.epoch >= progress.epochs,
                Self::AfterLoss => history.iter().any(|record| record.train["loss"] < 1.0),
            };
            if falls { 0.1 } else { 1.0 }
        }
    }

    #[test]
    fn only_the_same_rates_make_a_beginning() {
        let record = |loss: f64| EpochRecord {
            train: [("loss".to_string(), loss)].into(),
            ..EpochRecord::default()
        };
        let history = [record(2.0), record(0.5), record(0.4)];
        let is = |schedule: Falls, epochs| is_beginning(&schedule, 4, epochs, &history);
        assert!(is(Falls::Never, [3, 9]));
        assert!(is(Falls::AfterLoss, [3, 9]));
        assert!(!is(Falls::AtHalf, [3, 9]));
        // Its one epoch is in the first half either way.
        assert!(is(Falls::AtHalf, [1, 9]));
    }
}
