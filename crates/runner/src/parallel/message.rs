//! What ranks tell each other beside gradients.

use ablate_core::Exchanged;
use ablate_parallel::Group;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result, Scores};

/// What rank 0 tells the others.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tell {
    /// A trial begins; its whole config follows, and whether a checkpoint does.
    Trial {
        config: Value,
        seed: u64,
        goes_on: bool,
    },
    /// Every rank has built the trial: open the way that gradients will take.
    Join,
    /// An epoch goes on with its batch `first`.
    Epoch { epoch: usize, first: usize },
    /// The next batch, at a learning rate.
    Step { learning_rate: f64 },
    /// All losses are finite: sum the gradients and update.
    Update,
    /// One is not.
    Skip,
    /// Say what your weights are.
    Compare,
    /// The trial ends here, whatever comes of it.
    End,
    /// There are no more trials.
    Leave,
}

/// What another rank reports of a batch, of its readiness or of its weights.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// What went wrong.
    pub error: Option<String>,
    /// The loss's part of each part, as bits: JSON has no NaN.
    pub losses: Vec<u64>,
    /// The scores of each part.
    pub scores: Vec<Scores>,
    /// What its workers handed each other.
    pub exchanged: Option<Exchanged>,
    /// A digest of the weights.
    pub digest: Option<u64>,
}

pub(super) fn tell(group: &dyn Group, message: &Tell) -> Result<()> {
    Ok(group.tell(packed(message)?)?)
}

/// Tells every other rank of `group` that there are no more trials to follow.
///
/// # Errors
/// A rank is gone.
pub fn leave(group: &dyn Group) -> Result<()> {
    tell(group, &Tell::Leave)
}

pub(super) fn hear(group: &dyn Group) -> Result<Tell> {
    unpacked(0, &group.hear()?)
}

pub(super) fn report(group: &dyn Group, report: &Report) -> Result<()> {
    Ok(group.report(packed(report)?)?)
}

/// Every other rank's report.
///
/// # Errors
/// A rank is gone, or reports an error; the message says which.
pub(super) fn reports(group: &dyn Group) -> Result<Vec<Report>> {
    let reports = (1..).zip(group.reports()?);
    let reports = reports.map(|(rank, bytes)| unpacked::<Report>(rank, &bytes));
    let reports: Vec<Report> = reports.collect::<Result<_>>()?;
    match (1..)
        .zip(&reports)
        .find_map(|(rank, report)| Some((rank, report.error.as_ref()?)))
    {
        Some((rank, error)) => Err(Error::Other(format!("rank {rank}: {error}"))),
        None => Ok(reports),
    }
}

fn packed(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|error| {
        Error::Other(format!(
            "a message to other ranks cannot be packed: {error}"
        ))
    })
}

fn unpacked<T: for<'a> Deserialize<'a>>(rank: usize, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::Other(format!(
            "what rank {rank} says is not understood: {error}\n  fix: start every rank with the same program"
        ))
    })
}
