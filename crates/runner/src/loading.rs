//! Whether loading keeps up with training: how fast either is alone, and both together.
//! Nothing is stored, and no weight changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ablate_core::Split;
use ablate_parallel::Alone;

use crate::config::TrialConfig;
use crate::loader::{self, Batch, Epoch};
use crate::parallel::Share;
use crate::session::Session;
use crate::{Error, Plan, Result};

/// Loading and training take turns this often, so that what else a machine does falls
/// on both.
const ROUNDS: u32 = 3;

/// What a trial's loader and its training steps reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Loading {
    /// The variant.
    pub variant: String,
    /// The data set, in words.
    pub data: String,
    /// The model's name.
    pub model: String,
    /// Images of a batch.
    pub batch_size: usize,
    /// Threads that load.
    pub threads: usize,
    /// Images a second that are read, augmented and put into batches while nothing trains.
    pub loading: f64,
    /// Images a second of training steps on a batch that is there already.
    pub training: f64,
    /// Images a second of training steps on batches that are loaded meanwhile.
    pub both: f64,
    /// The part of that time, 0 to 1, in which a step waited for its batch.
    pub waiting: f64,
}

/// Images, and the time they took.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    images: usize,
    time: Duration,
    /// Of the time, what was spent waiting for batches.
    waited: Duration,
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.time += other.time;
        self.waited += other.waited;
    }

    /// Images a second.
    fn rate(self) -> f64 {
        self.images as f64 / self.time.as_secs_f64()
    }
}

/// What is timed.
struct Trial<'a> {
    session: Session,
    config: &'a TrialConfig,
    share: Share,
    steps: usize,
}

impl Plan {
    /// Times the first trial's loader, its training steps, and both together, each for
    /// at least `time`.
    ///
    /// # Errors
    /// There is no trial, or whatever a plugin says to its config or its data.
    pub fn loading(&self, time: Duration) -> Result<Loading> {
        let Some(planned) = self.trials.first() else {
            return Err(Error::Other("the plan has no trial to time".to_string()));
        };
        let config = &planned.config;
        let data = self.dataset(&config.data)?;
        if data.len(Split::Train) == 0 {
            return Err(Error::Other("the training split is empty".to_string()));
        }
        let mut trial = Trial {
            session: Session::build(planned, Arc::clone(&data))?,
            config,
            share: Share::new(config.training.parts, &Alone),
            steps: 0,
        };
        let [mut loading, mut training, mut both] = [Spent::default(); 3];
        for _ in 0..ROUNDS {
            loading.add(trial.load(time / ROUNDS)?);
            training.add(trial.train(time / ROUNDS)?);
            both.add(trial.load_and_train(time / ROUNDS)?);
        }
        Ok(Loading {
            variant: planned.variant.clone(),
            data: data.info().description.clone(),
            model: config.model.name.clone(),
            batch_size: config.training.batch_size.min(data.len(Split::Train)),
            threads: config.machine.loaders(),
            loading: loading.rate(),
            training: training.rate(),
            both: both.rate(),
            waiting: both.waited.as_secs_f64() / both.time.as_secs_f64(),
        })
    }
}

impl<'a> Trial<'a> {
    /// Loads for `time`. The first batch does not count, since threads start for it.
    fn load(&self, time: Duration) -> Result<Spent> {
        std::thread::scope(|scope| {
            let mut batches = batches(scope, self.epoch());
            next(&mut batches)?;
            turn(time, |_| Ok(next(&mut batches)?.targets.len()))
        })
    }

    /// Trains on one batch. The first step does not count, since it makes buffers.
    fn train(&mut self, time: Duration) -> Result<Spent> {
        let epoch = self.epoch();
        let batch = loader::first_batch(&epoch.source, self.config, self.share, epoch.seed)?;
        self.step(&batch)?;
        turn(time, |_| self.step(&batch))
    }

    /// Trains on what is loaded meanwhile. It counts once as many batches are used as
    /// may lie ready.
    fn load_and_train(&mut self, time: Duration) -> Result<Spent> {
        let ahead = 2 * self.session.loaders.at_once();
        std::thread::scope(|scope| {
            let mut batches = batches(scope, self.epoch());
            for _ in 0..=ahead {
                self.step(&next(&mut batches)?)?;
            }
            turn(time, |waited| {
                let begun = Instant::now();
                let batch = next(&mut batches)?;
                *waited += begun.elapsed();
                self.step(&batch)
            })
        })
    }

    /// A step, and the images it was of.
    fn step(&mut self, batch: &Batch) -> Result<usize> {
        self.steps += 1;
        let precision = self.config.training.precision;
        self.session
            .rehearse(batch, self.share, self.steps, precision)?;
        Ok(batch.targets.len())
    }

    /// The first epoch, as training begins it.
    fn epoch(&self) -> Epoch<'a> {
        Epoch {
            source: self.session.source(),
            config: self.config,
            share: self.share,
            seed: self.session.seed,
            epoch: 0,
            first: 0,
        }
    }
}

/// Calls `each` for `time`, once at least; it returns how many images it was for, and
/// adds to what was waited.
fn turn(time: Duration, mut each: impl FnMut(&mut Duration) -> Result<usize>) -> Result<Spent> {
    let mut spent = Spent::default();
    while spent.time < time || spent.images == 0 {
        let begun = Instant::now();
        spent.images += each(&mut spent.waited)?;
        spent.time += begun.elapsed();
    }
    Ok(spent)
}

/// The batches of this epoch and of those that follow, without an end.
fn batches<'scope, 'env>(
    scope: &'scope std::thread::Scope<'scope, 'env>,
    of: Epoch<'env>,
) -> impl Iterator<Item = Result<Batch>> + use<'scope, 'env> {
    (of.epoch..).flat_map(move |epoch| {
        loader::epoch(
            scope,
            Epoch {
                epoch,
                ..of.clone()
            },
        )
    })
}

fn next(batches: &mut impl Iterator<Item = Result<Batch>>) -> Result<Batch> {
    let none = || Err(Error::Other("there are no more batches".to_string()));
    batches.next().unwrap_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_counts_images_time_and_waiting() -> Result<()> {
        let pause = Duration::from_millis(2);
        let spent = turn(5 * pause, |waited| {
            std::thread::sleep(pause);
            *waited += pause;
            std::thread::sleep(pause);
            Ok(7)
        })?;
        assert!(spent.images > 0 && spent.images.is_multiple_of(7));
        assert!(
            spent.images <= 3 * 7,
            "each call takes four milliseconds at least"
        );
        assert_eq!(spent.waited, pause * (spent.images / 7) as u32);
        assert!(spent.time >= 5 * pause && spent.time >= 2 * spent.waited);
        Ok(())
    }
}
