//! A learning rate that falls to zero along half a cosine (Loshchilov and Hutter
//! 2017, without restarts), as the plugin `my_plugin`.

use ablate_core::{EpochRecord, Error, Progress, Result, Schedule, ScheduleConfig, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an experiment can change. These comments are what `describe` prints.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {
    /// The factor at the end, 0 to 1.
    pub least: f64,
}

register!(
    schedule,
    "my_plugin",
    MyPlugin,
    "falls along half a cosine over the whole training"
);

impl ScheduleConfig for MyPlugin {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        match (0.0..=1.0).contains(&self.least) {
            true => Ok(Box::new(self.clone())),
            false => Err(Error::bad_value(
                "least",
                "not a factor",
                "give a number from 0 to 1",
            )),
        }
    }
}

impl Schedule for MyPlugin {
    // A function of progress and of past epochs, so there is no state to save.
    fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
        let steps = progress.epoch * progress.steps_per_epoch + progress.step;
        let share = steps as f64 / (progress.epochs * progress.steps_per_epoch) as f64;
        let cosine = 0.5 + 0.5 * (std::f64::consts::PI * share).cos();
        self.least + (1.0 - self.least) * cosine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_from_one_through_a_half_to_the_least() {
        let factor = |epoch| {
            let progress = Progress {
                epoch,
                step: 0,
                steps_per_epoch: 7,
                epochs: 10,
            };
            MyPlugin { least: 0.2 }.factor(progress, &[])
        };
        for (epoch, expected) in [(0, 1.0), (5, 0.6), (10, 0.2)] {
            assert!((factor(epoch) - expected).abs() < 1e-12, "epoch {epoch}");
        }
    }
}
