//! The training of one trial, from wherever it stands to its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ablate_core::{EpochRecord, Progress, Split};
use ablate_store::{Predictions, Status, TrialFolder, checkpoint};

use crate::evaluate::evaluate;
use crate::events::Events;
use crate::loader::{self, Batch};
use crate::parallel::{Lead, Work, norm};
use crate::progress::TrainProgress;
use crate::session::Session;
use crate::{Control, Event, Observer, PlannedTrial, Result, Scores, outputs};

/// Trains until the budget ends, the loss is no number, or `control` says so.
pub(crate) struct Trainer<'a> {
    pub trial: &'a PlannedTrial,
    pub session: Session,
    pub folder: &'a TrialFolder,
    pub events: Events,
    pub progress: TrainProgress,
    pub control: &'a Control,
    pub observer: &'a mut dyn Observer,
    pub lead: Lead<'a>,
}

/// How an epoch's training ended.
enum EpochEnd {
    Complete { learning_rate: f64 },
    Stopped,
    Diverged,
}

impl Trainer<'_> {
    /// Runs the trial to its end and returns how it ended.
    pub fn run(&mut self) -> Result<Status> {
        self.announce();
        if self.progress.epoch == 0 && self.progress.step == 0 {
            // Step 0 shows the initial weights.
            self.picture(0)?;
        }
        while !self.is_complete() {
            let mut end = self.epoch()?;
            if let EpochEnd::Complete { learning_rate } = end {
                end = self.close_epoch(learning_rate)?;
            }
            match end {
                EpochEnd::Complete { .. } => {}
                EpochEnd::Stopped => {
                    self.save()?;
                    return Ok(Status::Unfinished);
                }
                EpochEnd::Diverged => {
                    return Ok(Status::Diverged {
                        epoch: self.progress.epoch + 1,
                    });
                }
            }
        }
        Ok(Status::Finished)
    }

    fn announce(&mut self) {
        let event = Event::Started {
            trial: self.trial,
            done_epochs: self.progress.epoch,
            done_steps: self.progress.step,
            steps_per_epoch: self.steps_per_epoch(),
            parameters: self.session.parameters.count(),
        };
        self.observer.notice(event);
    }

    fn steps_per_epoch(&self) -> usize {
        let images = self.session.data.len(Split::Train);
        self.trial.config.training.steps(images)
    }

    /// Whether an epoch's training error has fallen to where the trial may stop.
    fn reaches_target(&self, record: &EpochRecord) -> bool {
        let target = self.trial.config.training.stop_at_train_error;
        let error = record.train.get("top1_error");
        matches!((target, error), (Some(target), Some(&error)) if error <= target)
    }

    fn is_complete(&self) -> bool {
        let last = self.progress.history.last();
        self.progress.epoch >= self.trial.config.training.epochs
            || last.is_some_and(|record| self.reaches_target(record))
    }

    /// Trains the rest of the current epoch.
    fn epoch(&mut self) -> Result<EpochEnd> {
        let config = &self.trial.config;
        let (epoch, first, steps) = (
            self.progress.epoch,
            self.progress.step,
            self.steps_per_epoch(),
        );
        let checkpoint_every = Duration::from_secs_f64(config.machine.checkpoint_minutes * 60.0);
        self.lead.epoch(epoch, first)?;
        let of = loader::Epoch {
            source: self.session.source(),
            config,
            share: self.lead.share(),
            seed: self.session.seed,
            epoch,
            first,
        };
        std::thread::scope(|scope| {
            let mut saved = Instant::now();
            let mut learning_rate = self.learning_rate(steps);
            let mut batches = loader::epoch(scope, of);
            loop {
                let begun = Instant::now();
                let Some(batch) = batches.next() else {
                    break;
                };
                let waited = begun.elapsed();
                // A pause and its checkpoint are nobody's speed.
                if !self.may_go_on()? {
                    return Ok(EpochEnd::Stopped);
                }
                let begun = Instant::now();
                learning_rate = self.learning_rate(steps);
                let (loss, images) = self.step(batch, learning_rate)?;
                if !loss.is_finite() {
                    return Ok(EpochEnd::Diverged);
                }
                tracing::trace!("step {}: loss {loss}", self.progress.step + 1);
                self.progress.step += 1;
                self.progress.seconds += (waited + begun.elapsed()).as_secs_f64();
                let step = self.progress.step;
                self.observer.notice(Event::Step {
                    trial: self.trial,
                    epoch,
                    step,
                    loss,
                    images,
                });
                if saved.elapsed() >= checkpoint_every && step < steps {
                    self.save()?;
                    saved = Instant::now();
                }
            }
            Ok(EpochEnd::Complete { learning_rate })
        })
    }

    /// Whether another step may be trained; waits while the run is paused. A pause
    /// can be long and end with the machine, so it begins with a checkpoint.
    fn may_go_on(&self) -> Result<bool> {
        let is_paused = self.control.is_paused() && !self.control.is_stopping();
        if is_paused {
            self.save()?;
            tracing::info!("paused after step {}", self.progress.step);
        }
        let goes_on = self.control.may_go_on(self.trial);
        if is_paused && goes_on {
            tracing::info!("going on");
        }
        Ok(goes_on)
    }

    fn learning_rate(&self, steps_per_epoch: usize) -> f64 {
        let progress = Progress {
            epoch: self.progress.epoch,
            step: self.progress.step,
            steps_per_epoch,
            epochs: self.trial.config.training.epochs,
        };
        let factor = self
            .session
            .schedule
            .factor(progress, &self.progress.history);
        self.session.optimiser.learning_rate() * factor
    }

    /// One update, unless the loss or the gradient is no finite number; returns the
    /// loss, which then is none, and the number of images.
    fn step(&mut self, batch: Result<Batch>, learning_rate: f64) -> Result<(f64, usize)> {
        self.lead.step(learning_rate)?;
        let found = batch.and_then(|batch| {
            self.session.work(&Work {
                batch: &batch,
                parts: &self.lead.share().parts(batch.whole),
                stream: self.session.stream(self.progress.epoch, self.progress.step),
                precision: self.trial.config.training.precision,
            })
        });
        let exchanged = self.session.model.take_exchanged();
        let agreed = self.lead.agree(found, exchanged)?;
        let images = agreed.scores.images();
        if let Some(gradients) = agreed.gradients {
            if !agreed.scores.are_finite()? {
                return Ok((f64::NAN, images));
            }
            let norm = norm(&gradients)?;
            // An update by it would spoil the weights, which the next checkpoint keeps.
            if !norm.is_finite() {
                tracing::warn!(
                    "the gradient of a finite loss ({}) is not finite",
                    agreed.loss
                );
                return Ok((f64::NAN, images));
            }
            self.progress.norms.add(norm);
            self.session.update(gradients, learning_rate)?;
            if let Some(exchanged) = agreed.exchanged {
                *self.progress.exchanged.get_or_insert_default() += exchanged;
            }
            self.progress.scores.join(agreed.scores);
        }
        Ok((agreed.loss, images))
    }

    /// Measures, stores and announces a finished epoch, unless its last update has
    /// spoilt the weights: an epoch without numbers is none, and nothing is kept of it.
    fn close_epoch(&mut self, learning_rate: f64) -> Result<EpochEnd> {
        let config = &self.trial.config;
        let epoch = self.progress.epoch + 1;
        let budget = config.training.epochs;
        let mut record = EpochRecord {
            epoch,
            learning_rate,
            images_per_second: self.progress.scores.images() as f64
                / self.progress.seconds.max(1e-9),
            exchanged: self
                .progress
                .exchanged
                .map(|sum| sum.per_step(self.progress.step)),
            gradient_norm: self.progress.norms.record(),
            train: self.progress.scores.means(),
            validation: BTreeMap::new(),
        };
        let is_final = epoch == budget || self.reaches_target(&record);
        if is_final || epoch.is_multiple_of(config.evaluation.every) {
            let Some(measured) = self.validate(is_final)? else {
                return Ok(EpochEnd::Diverged);
            };
            record.validation = measured;
        }
        tracing::info!(
            "epoch {epoch} of {budget}: learning rate {}, {:.0} images/s; training {}; validation {}",
            record.learning_rate,
            record.images_per_second,
            listed(&record.train),
            listed(&record.validation)
        );
        self.events.epoch(&record)?;
        self.events.histograms(&self.session.list, epoch)?;
        self.picture(epoch)?;
        self.events.flush()?;
        self.folder.append(&record)?;
        self.progress.history.push(record);
        self.progress = TrainProgress {
            epoch,
            history: std::mem::take(&mut self.progress.history),
            ..TrainProgress::default()
        };
        self.lead.compare(&self.session.list)?;
        self.save()?;
        if let Some(record) = self.progress.history.last() {
            self.observer.notice(Event::Epoch {
                trial: self.trial,
                record,
            });
        }
        Ok(EpochEnd::Complete { learning_rate })
    }

    /// Measures the validation split; where the model is the final one, what it
    /// says of every image is kept. `None` where the loss is no finite number.
    ///
    /// That comes before the epoch's checkpoint, so that a trial which is cut off
    /// in between measures the epoch again instead of missing the file.
    fn validate(&mut self, is_final: bool) -> Result<Option<BTreeMap<String, f64>>> {
        self.observer
            .notice(Event::Evaluating { trial: self.trial });
        tracing::debug!("evaluating");
        let (session, config) = (&self.session, &self.trial.config);
        let mut scores = Scores::default();
        let mut predictions = Predictions::default();
        evaluate(
            session,
            config.training.precision,
            config.evaluation.batch_size,
            |rows, targets| {
                scores.add(&session.metrics, rows, targets);
                if is_final {
                    predictions.log_probabilities.extend_from_slice(rows);
                    predictions.targets.extend_from_slice(targets);
                }
            },
        )?;
        if !scores.are_finite()? {
            return Ok(None);
        }
        if is_final {
            let contents = outputs::gather(session, &config.evaluation, predictions)?;
            self.folder.write_outputs(&contents)?;
        }
        Ok(Some(scores.means()))
    }

    fn picture(&mut self, epoch: usize) -> Result<()> {
        match self.session.first_convolution() {
            Some(weight) => self.events.filters(weight.var.as_tensor(), epoch),
            None => Ok(()),
        }
    }

    fn save(&self) -> Result<()> {
        let packed = self
            .progress
            .pack(&self.session.parameters, self.session.optimiser.as_ref())?;
        let step = self.progress.epoch * self.steps_per_epoch() + self.progress.step;
        checkpoint::save(self.folder.path(), step as u64, &packed)?;
        tracing::debug!("checkpoint of step {step} written");
        Ok(())
    }
}

/// `loss 1.234, top1_error 0.4567`; enough digits for a log.
fn listed(metrics: &BTreeMap<String, f64>) -> String {
    let each = metrics
        .iter()
        .map(|(name, value)| format!("{name} {value:.4}"));
    match metrics.is_empty() {
        true => "not measured".to_string(),
        false => each.collect::<Vec<_>>().join(", "),
    }
}
