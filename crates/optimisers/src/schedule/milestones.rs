//! A fall of the learning rate at given epochs.

use ablate_core::{EpochRecord, Error, Progress, Result, Schedule, ScheduleConfig, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{repeated, warmup};
use crate::range;

/// Multiplies the learning rate by a factor after each of some given epochs.
///
/// With `epochs = [60]` epochs 1 to 60 have the full rate and epoch 61 is the
/// first with a lower one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Milestones {
    /// Finished epochs after which the rate falls, rising. The default is our own:
    /// the paper lowers the rate three times in about 90 epochs, but by hand.
    pub epochs: Vec<usize>,
    /// What the rate is multiplied by. Source: section 5.
    pub factor: f64,
    /// Epochs over which the rate first rises step by step; parts of one count,
    /// 0 means none.
    pub linear_warmup: f64,
}

impl Default for Milestones {
    fn default() -> Self {
        Self {
            epochs: vec![30, 60, 80],
            factor: 0.1,
            linear_warmup: 0.0,
        }
    }
}

impl ScheduleConfig for Milestones {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        if !self.epochs.is_sorted_by(|a, b| a < b) {
            return Err(Error::bad_value(
                "epochs",
                format!("{:?} does not rise", self.epochs),
                "give each epoch once, the earliest first",
            ));
        }
        range::shrinking("factor", self.factor)?;
        warmup::check(self.linear_warmup)?;
        Ok(Box::new(self.clone()))
    }
}

impl Schedule for Milestones {
    fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
        let passed = self.epochs.iter().filter(|epoch| **epoch <= progress.epoch);
        repeated(self.factor, passed.count()) * warmup::factor(self.linear_warmup, progress)
    }
}

register!(
    schedule,
    "milestones",
    Milestones,
    "multiplies the learning rate by a factor after given epochs"
);

#[cfg(test)]
mod tests {
    use super::super::factors;
    use super::*;

    #[test]
    fn the_rate_rises_first_and_falls_from_there() -> Result<()> {
        let schedule = Milestones {
            epochs: vec![1, 4],
            factor: 0.5,
            linear_warmup: 1.5,
        };
        let factors = factors(&schedule, 2, (0..5).map(|step| [step / 2, step % 2]))?;
        assert_eq!(factors, [1.0 / 3.0, 2.0 / 3.0, 0.5, 0.5, 0.5]);
        Ok(())
    }

    #[test]
    fn the_rate_falls_after_each_given_epoch() -> Result<()> {
        let schedule = Milestones {
            epochs: vec![1, 4],
            factor: 0.5,
            linear_warmup: 0.0,
        };
        let factors = factors(&schedule, 4, (0..6).map(|epoch| [epoch, 0]))?;
        assert_eq!(factors, [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]);
        Ok(())
    }

    #[test]
    fn epochs_out_of_order_are_refused() {
        for epochs in [vec![2, 1], vec![1, 1]] {
            let schedule = Milestones {
                epochs,
                ..Milestones::default()
            };
            let error = schedule.build().err().expect("refused").to_string();
            assert!(error.contains("`epochs`"), "{error}");
        }
    }
}
