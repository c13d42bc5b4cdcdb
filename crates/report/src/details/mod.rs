//! What only the page shows, because it has the room: every curve, every trial,
//! every key. Taken from the trials as values; `html` renders them.

mod config;
mod listing;
mod machines;

use ablate_store::Experiment;

pub(crate) use config::Configs;
pub(crate) use listing::Listed;
pub(crate) use machines::Machine;

use crate::curves::Curves;
use crate::summary::VariantSummary;
use crate::trials::Trials;

/// The details of a report.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    /// All metrics against epochs, those the claim is about first.
    pub(crate) curves: Curves,
    /// Every trial, variant by variant, and those that were not run.
    pub(crate) trials: Vec<Listed>,
    /// The resolved configs of the trained variants.
    pub(crate) configs: Configs,
    /// The programs and machines that trained.
    pub(crate) machines: Vec<Machine>,
}

impl Details {
    pub(crate) fn new(
        experiment: &Experiment,
        trials: &Trials,
        variants: &[VariantSummary],
    ) -> Self {
        Self {
            curves: Curves::all(&experiment.claim, trials),
            trials: listing::listed(trials, variants),
            configs: Configs::new(experiment, trials),
            machines: machines::machines(trials),
        }
    }
}
