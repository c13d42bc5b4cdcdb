//! A gradient that is no number ends a trial before it spoils the weights, also where
//! the loss is finite.

mod inside;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ablate_core::{Model, ModelConfig, ModelContext, Pass, Result, register};
use ablate_data as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Control, Nobody, run};
use ablate_store::{Status, checkpoint};
use candle_core::Tensor;
use candle_nn::{Init, Linear, Module};
use safetensors::SafeTensors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Softmax regression with a root that is taken at 0 from some step on: its value is
/// finite there, its slope is not.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
struct Cliff {
    /// Training steps before it.
    steps: usize,
}

struct CliffModel {
    linear: Linear,
    root: Tensor,
    left: AtomicUsize,
}

impl ModelConfig for Cliff {
    fn build(&self, cx: &ModelContext) -> Result<Box<dyn Model>> {
        let inputs = cx.input.iter().product();
        Ok(Box::new(CliffModel {
            linear: candle_nn::linear(inputs, cx.classes, cx.parameters.pp("linear"))?,
            root: cx.parameters.get_with_hints(1, "root", Init::Const(1.0))?,
            left: AtomicUsize::new(self.steps),
        }))
    }
}

impl Model for CliffModel {
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Tensor> {
        let logits = self.linear.forward(&images.flatten_from(1)?)?;
        let is_over = pass.stream().is_some()
            && self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_err();
        let height = match is_over {
            true => (&self.root - self.root.detach())?,
            false => self.root.clone(),
        };
        let root = height.sqrt()?;
        Ok(logits.broadcast_mul(&(root + 1.0)?)?)
    }
}

register!(model, "cliff", Cliff, "softmax regression until some step");

const EXPERIMENT: &str = r#"
[experiment]
name = "cliff"
title = "A gradient that is no number"

[experiment.claim]
text = "It is noticed."
section = "none"
measure = { final_validation = "loss" }
comparison = "points"
baseline = "soon"
treatment = "late"

[base]
model = { name = "cliff" }
data = { name = "shapes", train = 40, validation = 20 }
optimiser = { name = "sgd_paper", lr = 1e-8 }
training = { epochs = 3, batch_size = 8 }

# Five steps an epoch: in the second, and in none.
[variants.soon.model]
steps = 7

[variants.late.model]
steps = 100

[profiles.only]
seeds = 1
"#;

#[test]
fn the_last_good_checkpoint_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cliff.toml");
    std::fs::write(&file, EXPERIMENT).expect("a file");
    for parts in [1, 2] {
        let settings = [format!("training.parts={parts}")];
        let plan = inside::plan(&file, "only", &settings, Some(1));
        let options = inside::alone(folder.path(), &Control::default());
        let outcome = run(&plan, &options, &mut Nobody).expect("a run");
        let by = |variant: &str| {
            let mut trials = outcome.trials.iter();
            trials
                .find(|trial| trial.variant == variant)
                .expect("it ran")
        };
        let late = by("late");
        assert_eq!((&late.status, late.history.len()), (&Status::Finished, 3));
        for record in &late.history {
            let norm = record.gradient_norm.expect("a norm");
            assert!(norm.mean > 0.0 && norm.mean <= norm.max && norm.max.is_finite());
        }
        let soon = by("soon");
        // Parts count as passes: with two, the seventh is in the first epoch.
        let epochs = if parts == 1 { 1 } else { 0 };
        assert_eq!(soon.status, Status::Diverged { epoch: epochs + 1 });
        assert_eq!(soon.history.len(), epochs);
        let planned = plan.trials.iter().find(|trial| trial.variant == "soon");
        let place = plan
            .path(folder.path())
            .join(planned.expect("planned").folder_name());
        assert_eq!(are_finite(&place), (epochs > 0).then_some(true));
    }
}

#[test]
fn an_epoch_whose_last_update_spoils_the_weights_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cliff.toml");
    std::fs::write(&file, EXPERIMENT).expect("a file");
    for ranks in [1, 2] {
        // One step an epoch, whose loss and gradient are finite; what it leaves is not.
        let settings = [
            "training.batch_size=40".to_string(),
            "optimiser.lr=1e300".to_string(),
            "training.parts=2".to_string(),
            format!("machine.ranks={ranks}"),
        ];
        let plan = inside::plan(&file, "only", &settings, Some(1));
        let store = folder.path().join(ranks.to_string());
        let options = inside::alone(&store, &Control::default());
        let outcome = run(&plan, &options, &mut Nobody).expect("a run");
        for trial in &outcome.trials {
            assert_eq!(trial.status, Status::Diverged { epoch: 1 });
            assert_eq!(trial.history, []);
        }
        // What a later process reads is what this one has seen.
        let (_, stored) = ablate_runner::stored(&plan, &store).expect("read");
        assert_eq!(stored, outcome.trials);
    }
}

/// Whether all values of the newest checkpoint are numbers; `None` without one.
fn are_finite(trial: &Path) -> Option<bool> {
    let loaded = checkpoint::load(trial).expect("a folder");
    let tensors = loaded.checkpoint?.tensors;
    let file = SafeTensors::deserialize(&tensors).expect("a checkpoint");
    let finite = |bytes: &[u8]| {
        let mut words = bytes.as_chunks::<4>().0.iter();
        words.all(|word| f32::from_le_bytes(*word).is_finite())
    };
    Some(file.tensors().iter().all(|(_, view)| finite(view.data())))
}
