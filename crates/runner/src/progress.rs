//! Where a trial stands: what a checkpoint holds and restores.

use std::collections::HashMap;

use ablate_core::{EpochRecord, Exchanged, GradientNorm, Optimiser, Parameters};
use ablate_store::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Scores, weights};

/// Prefixes that keep parameters and optimiser state apart in one file.
pub(crate) const MODEL: &str = "model.";
const OPTIMISER: &str = "optimiser.";

/// Gradient norms of an epoch's steps so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Norms {
    sum: f64,
    max: f64,
    steps: usize,
}

impl Norms {
    /// Adds a step's.
    pub fn add(&mut self, norm: f64) {
        self.sum += norm;
        self.max = self.max.max(norm);
        self.steps += 1;
    }

    /// What the epoch's record says of them.
    pub fn record(&self) -> Option<GradientNorm> {
        (self.steps > 0).then(|| GradientNorm {
            mean: self.sum / self.steps as f64,
            max: self.max,
        })
    }
}

/// Where training stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainProgress {
    /// Epochs finished.
    pub epoch: usize,
    /// Steps finished in the epoch after those.
    pub step: usize,
    /// Scores of those steps.
    pub scores: Scores,
    /// Seconds spent on those steps and on waiting for their images.
    pub seconds: f64,
    /// What workers handed each other in those steps.
    #[serde(default)]
    pub exchanged: Option<Exchanged>,
    /// How long those steps' gradients were.
    #[serde(default)]
    pub norms: Norms,
    /// What the finished epochs measured.
    pub history: Vec<EpochRecord>,
}

impl TrainProgress {
    /// Packs progress, parameters and optimiser state.
    pub fn pack(&self, parameters: &Parameters, optimiser: &dyn Optimiser) -> Result<Checkpoint> {
        let model = parameters.all().into_iter().map(|parameter| {
            (
                format!("{MODEL}{}", parameter.name),
                parameter.var.as_tensor().clone(),
            )
        });
        let state = optimiser
            .state()?
            .into_iter()
            .map(|(name, tensor)| (format!("{OPTIMISER}{name}"), tensor));
        let tensors = model.chain(state).collect::<Vec<_>>();
        let tensors = safetensors::serialize(tensors, None)
            .map_err(|error| Error::Other(format!("the checkpoint cannot be packed: {error}")))?;
        let progress = serde_json::to_value(self)
            .map_err(|error| Error::Other(format!("the progress cannot be packed: {error}")))?;
        Ok(Checkpoint { progress, tensors })
    }

    /// Restores parameters and optimiser state, and returns the progress.
    pub fn unpack(
        checkpoint: &Checkpoint,
        parameters: &Parameters,
        optimiser: &mut dyn Optimiser,
    ) -> Result<Self> {
        restore(&checkpoint.tensors, parameters, optimiser)?;
        serde_json::from_value(checkpoint.progress.clone())
            .map_err(|error| Error::Other(error.to_string()))
    }
}

/// Restores parameters and optimiser state from a checkpoint's tensors.
pub(crate) fn restore(
    tensors: &[u8],
    parameters: &Parameters,
    optimiser: &mut dyn Optimiser,
) -> Result<()> {
    let (mut model, mut state) = (HashMap::new(), ablate_core::State::new());
    for (name, tensor) in weights::read(tensors).map_err(|error| Error::Other(error.to_string()))? {
        if let Some(name) = name.strip_prefix(MODEL) {
            model.insert(name.to_string(), tensor);
        } else if let Some(name) = name.strip_prefix(OPTIMISER) {
            state.insert(name.to_string(), tensor);
        }
    }
    parameters.load(&model)?;
    optimiser.load_state(&state)?;
    Ok(())
}
