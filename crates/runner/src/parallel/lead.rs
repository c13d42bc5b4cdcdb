//! Rank 0's side: what it tells the others, and what it makes of their reports.

use std::hash::{DefaultHasher, Hasher};

use ablate_core::{Exchanged, Parameter};
use ablate_parallel::{Exchange, Group};
use ablate_store::Checkpoint;
use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::message::{self, Report, Tell};
use super::{Found, Share};
use crate::{Error, PlannedTrial, Result, Scores};

/// Rank 0 during one trial. The others go on to wait for the next when it is
/// dropped, however the trial ended.
pub(crate) struct Lead<'a> {
    group: &'a dyn Group,
    share: Share,
    exchange: Exchange<'a>,
}

/// What all ranks found in a batch.
pub(crate) struct Agreed {
    /// The mean loss over the batch.
    pub loss: f64,
    /// The scores of its images.
    pub scores: Scores,
    /// What workers of all ranks handed each other.
    pub exchanged: Option<Exchanged>,
    /// The gradients of that loss; `None` where it is no finite number.
    pub gradients: Option<Vec<Tensor>>,
}

impl<'a> Lead<'a> {
    /// Has every rank build the trial and take on the checkpoint it goes on from. This
    /// rank's parameters lie on `device`.
    ///
    /// # Errors
    /// The ranks cannot share the trial's batches, one cannot build it, or their devices
    /// cannot be joined.
    pub fn begin(
        group: &'a dyn Group,
        trial: &PlannedTrial,
        checkpoint: Option<&Checkpoint>,
        device: &Device,
    ) -> Result<Self> {
        let parts = trial.config.training.parts;
        if let Some(fix) = super::share::misfit(parts, group.size()) {
            let problem = format!("{} ranks cannot share {parts} part(s)", group.size());
            return Err(Error::config(
                "the configuration",
                "training.parts",
                problem,
                fix,
            ));
        }
        let mut lead = Self {
            group,
            share: Share::new(parts, group),
            exchange: Exchange::new(group),
        };
        if group.size() > 1 {
            lead.tell(&Tell::Trial {
                config: trial.config.to_value(),
                seed: trial.seed,
                goes_on: checkpoint.is_some(),
            })?;
            if let Some(checkpoint) = checkpoint {
                group.tell(checkpoint.tensors.clone())?;
            }
            message::reports(group)?;
            lead.tell(&Tell::Join)?;
            let joined = lead.exchange.join(device);
            // What the others have to say is heard also where this rank has failed.
            let reports = message::reports(group);
            joined?;
            reports?;
        }
        Ok(lead)
    }

    /// Rank 0's share.
    pub fn share(&self) -> Share {
        self.share
    }

    /// An epoch goes on with its batch `first`.
    pub fn epoch(&self, epoch: usize, first: usize) -> Result<()> {
        self.tell(&Tell::Epoch { epoch, first })
    }

    /// The other ranks begin their shares of the next batch.
    pub fn step(&self, learning_rate: f64) -> Result<()> {
        self.tell(&Tell::Step { learning_rate })
    }

    /// Brings together what the ranks found in a batch, of which this one found
    /// `own`.
    pub fn agree(&self, own: Result<Found>, exchanged: Option<Exchanged>) -> Result<Agreed> {
        // What the others have to say is heard also where this rank has failed.
        let reports = message::reports(self.group);
        let own = own?;
        let mut agreed = Agreed {
            loss: own.losses.iter().sum(),
            scores: Scores::default(),
            exchanged,
            gradients: None,
        };
        own.scores
            .into_iter()
            .for_each(|scores| agreed.scores.join(scores));
        for report in reports? {
            for bits in report.losses {
                agreed.loss += f64::from_bits(bits);
            }
            report
                .scores
                .into_iter()
                .for_each(|scores| agreed.scores.join(scores));
            if let Some(more) = report.exchanged {
                *agreed.exchanged.get_or_insert_default() += more;
            }
        }
        match own.gradients {
            Some(gradients) if agreed.loss.is_finite() => {
                self.tell(&Tell::Update)?;
                agreed.gradients = Some(self.exchange.sum(&gradients)?);
            }
            _ => self.tell(&Tell::Skip)?,
        }
        Ok(agreed)
    }

    /// Makes sure that every rank has these weights, to the bit.
    ///
    /// # Errors
    /// One has others: processors of different kinds round differently.
    pub fn compare(&self, parameters: &[Parameter]) -> Result<()> {
        if self.group.size() == 1 {
            return Ok(());
        }
        self.tell(&Tell::Compare)?;
        let reports = message::reports(self.group);
        let own = digest(parameters)?;
        for (rank, report) in (1..).zip(reports?) {
            if report.digest != Some(own) {
                return Err(Error::Other(format!(
                    "rank {rank} has other weights than rank 0\n  fix: run the ranks on processors of one kind, with the same program"
                )));
            }
        }
        Ok(())
    }

    fn tell(&self, message: &Tell) -> Result<()> {
        match self.group.size() {
            1 => Ok(()),
            _ => message::tell(self.group, message),
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // A rank that is gone needs no telling.
        let _ = self.tell(&Tell::End);
    }
}

/// A hash of all weights.
pub(super) fn digest(parameters: &[Parameter]) -> Result<u64> {
    let one = |parameter: &Parameter| -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        for value in parameter.var.flatten_all()?.to_vec1::<f32>()? {
            hasher.write_u32(value.to_bits());
        }
        Ok(hasher.finish())
    };
    let digests: Vec<u64> = parameters.par_iter().map(one).collect::<Result<_>>()?;
    let mut all = DefaultHasher::new();
    digests.into_iter().for_each(|digest| all.write_u64(digest));
    Ok(all.finish())
}

/// The report of a rank other than 0.
pub(super) fn report_of(found: &Result<Found>, exchanged: Option<Exchanged>) -> Report {
    match found {
        Ok(found) => Report {
            losses: found.losses.iter().map(|loss| loss.to_bits()).collect(),
            scores: found.scores.clone(),
            exchanged,
            ..Report::default()
        },
        Err(error) => Report {
            error: Some(error.to_string()),
            ..Report::default()
        },
    }
}
