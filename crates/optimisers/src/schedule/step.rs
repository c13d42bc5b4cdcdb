//! A fall of the learning rate at regular intervals.

use ablate_core::{EpochRecord, Error, Progress, Result, Schedule, ScheduleConfig, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{repeated, warmup};
use crate::range;

/// Multiplies the learning rate by a factor every so many epochs.
///
/// With `every = 30` epochs 1 to 30 have the full rate and epoch 31 is the first
/// with a lower one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Epochs between two falls. About 90 epochs with three falls are the paper's
    /// budget; their places are not given.
    pub every: usize,
    /// What the rate is multiplied by. Source: section 5.
    pub factor: f64,
    /// Epochs over which the rate first rises step by step; parts of one count,
    /// 0 means none.
    pub linear_warmup: f64,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            every: 30,
            factor: 0.1,
            linear_warmup: 0.0,
        }
    }
}

impl ScheduleConfig for Step {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        if self.every == 0 {
            return Err(Error::bad_value(
                "every",
                "the rate cannot fall every 0 epochs",
                "give 1 or more, or use the schedule `constant`",
            ));
        }
        range::shrinking("factor", self.factor)?;
        warmup::check(self.linear_warmup)?;
        Ok(Box::new(self.clone()))
    }
}

impl Schedule for Step {
    fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
        let falls = progress.epoch / self.every;
        repeated(self.factor, falls) * warmup::factor(self.linear_warmup, progress)
    }
}

register!(
    schedule,
    "step",
    Step,
    "multiplies the learning rate by a factor every so many epochs"
);

#[cfg(test)]
mod tests {
    use super::super::factors;
    use super::*;

    #[test]
    fn the_rate_rises_first_and_falls_from_there() -> Result<()> {
        let schedule = Step {
            every: 2,
            factor: 0.5,
            linear_warmup: 1.5,
        };
        let factors = factors(&schedule, 2, (0..5).map(|step| [step / 2, step % 2]))?;
        assert_eq!(factors, [1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0, 0.5]);
        Ok(())
    }

    #[test]
    fn the_rate_falls_after_every_so_many_epochs() -> Result<()> {
        let schedule = Step {
            every: 2,
            factor: 0.5,
            linear_warmup: 0.0,
        };
        let factors = factors(&schedule, 4, (0..6).map(|epoch| [epoch, 3]))?;
        assert_eq!(factors, [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
        Ok(())
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let constant = Step {
            factor: 1.0,
            ..Step::default()
        };
        assert!(constant.build().is_ok());
        for (key, schedule) in [
            (
                "every",
                Step {
                    every: 0,
                    ..Step::default()
                },
            ),
            (
                "factor",
                Step {
                    factor: 0.0,
                    ..Step::default()
                },
            ),
            (
                "factor",
                Step {
                    factor: 1.5,
                    ..Step::default()
                },
            ),
            (
                "factor",
                Step {
                    factor: f64::NAN,
                    ..Step::default()
                },
            ),
            (
                "linear_warmup",
                Step {
                    linear_warmup: f64::INFINITY,
                    ..Step::default()
                },
            ),
        ] {
            let error = schedule.build().err().expect("refused").to_string();
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }
}
