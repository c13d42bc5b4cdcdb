//! The learning rate as it is.

use ablate_core::{EpochRecord, Progress, Result, Schedule, ScheduleConfig, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::warmup;

/// Keeps the optimiser's learning rate throughout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Constant {
    /// Epochs over which the rate first rises step by step; parts of one count,
    /// 0 means none.
    pub linear_warmup: f64,
}

impl ScheduleConfig for Constant {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        warmup::check(self.linear_warmup)?;
        Ok(Box::new(self.clone()))
    }
}

impl Schedule for Constant {
    fn factor(&self, progress: Progress, _: &[EpochRecord]) -> f64 {
        warmup::factor(self.linear_warmup, progress)
    }
}

register!(
    schedule,
    "constant",
    Constant,
    "keeps the learning rate as it is"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_one_once_warm() -> Result<()> {
        let progress = |epoch| Progress {
            epoch,
            step: 0,
            steps_per_epoch: 2,
            epochs: 9,
        };
        let plain = Constant::default().build()?;
        assert!((0..9).all(|epoch| plain.factor(progress(epoch), &[]) == 1.0));
        let warmed = Constant { linear_warmup: 1.0 }.build()?;
        assert_eq!(warmed.factor(progress(0), &[]), 0.5);
        assert_eq!(warmed.factor(progress(1), &[]), 1.0);
        assert!(
            Constant {
                linear_warmup: -1.0
            }
            .build()
            .is_err()
        );
        Ok(())
    }
}
