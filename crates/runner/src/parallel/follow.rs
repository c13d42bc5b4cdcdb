//! The side of every rank but 0: trials as they are told, and nothing kept.

use ablate_parallel::{Exchange, Group};

use super::lead::{digest, report_of};
use super::message::{self, Report, Tell};
use super::{Found, Share, Work};
use crate::config::{Layer, TrialConfig};
use crate::loader::{self, Batch};
use crate::plan::Datasets;
use crate::progress::restore;
use crate::session::Session;
use crate::{PlannedTrial, Result};

/// Works on trials as rank 0 of `group` tells, until it has no more. Reads data, and
/// writes nothing.
///
/// # Errors
/// Rank 0 is gone. What fails in a trial is reported to rank 0.
pub fn follow(group: &dyn Group, data: ablate_core::DataContext) -> Result<()> {
    with(group, &Datasets::new(data))
}

/// As [`follow`], with data sets that may be open already.
pub(super) fn with(group: &dyn Group, data: &Datasets) -> Result<()> {
    loop {
        match message::hear(group)? {
            Tell::Trial {
                config,
                seed,
                goes_on,
            } => {
                let tensors = goes_on.then(|| group.hear()).transpose()?;
                trial(group, data, &config, seed, tensors)?;
            }
            Tell::Leave => return Ok(()),
            // The end of a trial that has ended here already.
            _ => {}
        }
    }
}

/// One trial, to its end or to the error that rank 0 hears of.
fn trial(
    group: &dyn Group,
    data: &Datasets,
    config: &serde_json::Value,
    seed: u64,
    checkpoint: Option<Vec<u8>>,
) -> Result<()> {
    let built = Follower::build(group, data, config, seed, checkpoint);
    let error = built.as_ref().err().map(ToString::to_string);
    message::report(
        group,
        &Report {
            error,
            ..Report::default()
        },
    )?;
    built.map_or(Ok(()), |mut follower| follower.run())
}

/// A trial on a rank other than 0.
struct Follower<'a> {
    group: &'a dyn Group,
    trial: PlannedTrial,
    session: Session,
    share: Share,
    exchange: Exchange<'a>,
}

impl<'a> Follower<'a> {
    fn build(
        group: &'a dyn Group,
        data: &Datasets,
        config: &serde_json::Value,
        seed: u64,
        checkpoint: Option<Vec<u8>>,
    ) -> Result<Self> {
        let layer = Layer::json("the trial that rank 0 trains", config)?;
        let mut config = TrialConfig::read(&[layer])?;
        let device = config.machine.device;
        config.machine.device = device.of_rank(group.local_rank());
        let trial = PlannedTrial::new("", seed, &config.hashes(), config);
        let data = data.get(&trial.config.data)?;
        let mut session = Session::build(&trial, data)?;
        if let Some(tensors) = checkpoint {
            restore(&tensors, &session.parameters, session.optimiser.as_mut())?;
        }
        let share = Share::new(trial.config.training.parts, group);
        Ok(Self {
            group,
            trial,
            session,
            share,
            exchange: Exchange::new(group),
        })
    }

    fn run(&mut self) -> Result<()> {
        loop {
            match message::hear(self.group)? {
                Tell::Epoch { epoch, first } => {
                    if self.epoch(epoch, first)? {
                        return Ok(());
                    }
                }
                Tell::Join => self.join()?,
                Tell::Compare => self.compare()?,
                _ => return Ok(()),
            }
        }
    }

    /// Opens the way that gradients will take.
    fn join(&mut self) -> Result<()> {
        let joined = self.exchange.join(self.session.device());
        let report = Report {
            error: joined.err().map(|error| error.to_string()),
            ..Report::default()
        };
        message::report(self.group, &report)
    }

    fn compare(&self) -> Result<()> {
        let digest = digest(&self.session.list);
        let report = Report {
            error: digest.as_ref().err().map(ToString::to_string),
            digest: digest.ok(),
            ..Report::default()
        };
        message::report(self.group, &report)
    }

    /// The batches of an epoch from `first` on. Whether the trial ended within it.
    fn epoch(&mut self, epoch: usize, first: usize) -> Result<bool> {
        let config = self.trial.config.clone();
        let of = loader::Epoch {
            source: self.session.source(),
            config: &config,
            share: self.share,
            seed: self.session.seed,
            epoch,
            first,
        };
        std::thread::scope(|scope| {
            for (step, batch) in (first..).zip(loader::epoch(scope, of)) {
                let Tell::Step { learning_rate } = message::hear(self.group)? else {
                    return Ok(true);
                };
                if !self.step(batch, epoch, step, learning_rate)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// This rank's part of an update. Whether there was one.
    fn step(
        &mut self,
        batch: Result<Batch>,
        epoch: usize,
        step: usize,
        learning_rate: f64,
    ) -> Result<bool> {
        let found = batch.and_then(|batch| self.work(&batch, epoch, step));
        let report = report_of(&found, self.session.model.take_exchanged());
        message::report(self.group, &report)?;
        match (message::hear(self.group)?, found) {
            (
                Tell::Update,
                Ok(Found {
                    gradients: Some(gradients),
                    ..
                }),
            ) => {
                let sum = self.exchange.sum(&gradients)?;
                self.session.update(sum, learning_rate)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn work(&self, batch: &Batch, epoch: usize, step: usize) -> Result<Found> {
        self.session.work(&Work {
            batch,
            parts: &self.share.parts(batch.whole),
            stream: self.session.stream(epoch, step),
            precision: self.trial.config.training.precision,
        })
    }
}
