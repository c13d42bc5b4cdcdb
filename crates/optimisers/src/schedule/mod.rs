//! Factors on the learning rate over time. A schedule has no state: a resumed
//! trial finds its place from progress and history alone.

mod constant;
mod milestones;
mod plateau;
mod step;
mod warmup;

pub use constant::Constant;
pub use milestones::Milestones;
pub use plateau::Plateau;
pub use step::Step;

/// `factor` to the power of how often it has been applied.
fn repeated(factor: f64, times: usize) -> f64 {
    // Beyond the range of an `i32` any factor below 1 has long become 0.
    factor.powi(i32::try_from(times).unwrap_or(i32::MAX))
}

/// The factors at places in training, each an epoch and a step of it.
#[cfg(test)]
fn factors(
    schedule: &impl ablate_core::ScheduleConfig,
    steps_per_epoch: usize,
    places: impl IntoIterator<Item = [usize; 2]>,
) -> ablate_core::Result<Vec<f64>> {
    let schedule = schedule.build()?;
    let places = places.into_iter().map(|[epoch, step]| {
        let progress = ablate_core::Progress {
            epoch,
            step,
            steps_per_epoch,
            epochs: 6,
        };
        schedule.factor(progress, &[])
    });
    Ok(places.collect())
}
