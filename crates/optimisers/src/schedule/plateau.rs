//! A fall of the learning rate when the validation error stops improving: the
//! paper's rule (section 5), which was applied by hand there.

use ablate_core::{
    EpochRecord, Error, Kind, Progress, Result, Schedule, ScheduleConfig, register, registry,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{repeated, warmup};
use crate::range;

/// Multiplies the learning rate by a factor when a validation metric has not
/// improved for `patience` epochs in a row, a limited number of times.
///
/// The state is worked out anew from the history. An epoch improves when its
/// value is below the best of all epochs before it by more than `min_delta`; the
/// first always does, a value that is not a number never. The epoch that makes
/// `patience` misses in a row is the last at the old rate, and the count starts
/// again from 0. PyTorch's `ReduceLROnPlateau` waits for one miss more: its
/// patience 4 is 5 here. Epochs after which the metric was not measured are
/// passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// The validation metric watched; lower must be better, and the trial must
    /// measure it. Source: section 5.
    pub metric: String,
    /// What the rate is multiplied by. Source: section 5.
    pub factor: f64,
    /// How often the rate may fall. Source: section 5.
    pub drops: usize,
    /// Measured epochs in a row without improvement after which the rate falls, 1
    /// or more. The paper looked at the curve instead.
    pub patience: usize,
    /// By how much a value must be below the best to improve on it.
    pub min_delta: f64,
    /// Epochs over which the rate first rises step by step; parts of one count,
    /// 0 means none.
    pub linear_warmup: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self {
            metric: "top1_error".to_string(),
            factor: 0.1,
            drops: 3,
            patience: 5,
            min_delta: 0.0,
            linear_warmup: 0.0,
        }
    }
}

impl ScheduleConfig for Plateau {
    fn build(&self) -> Result<Box<dyn Schedule>> {
        self.check_metric()?;
        if self.patience == 0 {
            return Err(Error::bad_value(
                "patience",
                "the rate would fall after every epoch, whatever it brought",
                "give 1 or more, or use the schedule `step`",
            ));
        }
        range::shrinking("factor", self.factor)?;
        range::non_negative("min_delta", self.min_delta)?;
        warmup::check(self.linear_warmup)?;
        Ok(Box::new(self.clone()))
    }
}

impl Schedule for Plateau {
    fn factor(&self, progress: Progress, history: &[EpochRecord]) -> f64 {
        let drops = self.drops_after(history);
        repeated(self.factor, drops) * warmup::factor(self.linear_warmup, progress)
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.metric)
    }
}

impl Plateau {
    /// Fails unless there is such a metric: misspelt, it would never let the rate fall.
    fn check_metric(&self) -> Result<()> {
        match registry::find(Kind::Metric, &self.metric) {
            Err(Error::UnknownPlugin { name, fix, .. }) => Err(Error::bad_value(
                "metric",
                format!("there is no metric named `{name}`"),
                fix,
            )),
            found => found.map(|_| ()),
        }
    }

    /// How often the rate has fallen after these epochs.
    fn drops_after(&self, history: &[EpochRecord]) -> usize {
        let mut best = None;
        let mut misses = 0;
        let mut drops = 0;
        let values = history
            .iter()
            .filter_map(|epoch| epoch.validation.get(&self.metric));
        for &value in values {
            let improves = match best {
                None => !value.is_nan(),
                Some(best) => value < best - self.min_delta,
            };
            if improves {
                best = Some(value);
                misses = 0;
                continue;
            }
            misses += 1;
            if misses == self.patience {
                misses = 0;
                drops += 1;
            }
        }
        drops.min(self.drops)
    }
}

register!(
    schedule,
    "plateau",
    Plateau,
    "lowers the learning rate when a validation metric stops improving (the paper's)"
);

#[cfg(test)]
mod tests {
    use ablate_metrics as _;

    use super::*;

    fn plateau(patience: usize) -> Plateau {
        Plateau {
            factor: 0.5,
            patience,
            ..Plateau::default()
        }
    }

    fn record(index: usize, error: Option<f64>) -> EpochRecord {
        let validation = error.map(|error| ("top1_error".to_string(), error));
        EpochRecord {
            epoch: index + 1,
            validation: validation.into_iter().collect(),
            ..EpochRecord::default()
        }
    }

    /// The factor of each epoch, the last being the one after the history.
    fn factors(config: &Plateau, errors: &[Option<f64>]) -> Vec<f64> {
        let history: Vec<_> = errors
            .iter()
            .enumerate()
            .map(|(i, e)| record(i, *e))
            .collect();
        let schedule = config.build().expect("builds");
        let factor = |epoch| {
            let progress = Progress {
                epoch,
                step: 1,
                steps_per_epoch: 2,
                epochs: 90,
            };
            schedule.factor(progress, &history[..epoch])
        };
        (0..=errors.len()).map(factor).collect()
    }

    fn of(config: &Plateau, errors: &[f64]) -> Vec<f64> {
        let errors: Vec<_> = errors.iter().copied().map(Some).collect();
        factors(config, &errors)
    }

    #[test]
    fn the_rate_stays_while_the_error_improves() {
        assert_eq!(of(&plateau(1), &[0.9, 0.8, 0.7, 0.6]), [1.0; 5]);
    }

    #[test]
    fn the_miss_that_exhausts_patience_is_the_last_epoch_at_the_old_rate() {
        // Epoch 2 is the best; epochs 3 and 4 miss, so epoch 5 is slower.
        let errors = [0.9, 0.8, 0.8, 0.85];
        assert_eq!(of(&plateau(2), &errors), [1.0, 1.0, 1.0, 1.0, 0.5]);
        assert_eq!(of(&plateau(3), &errors), [1.0; 5]);
        assert_eq!(of(&plateau(1), &errors), [1.0, 1.0, 1.0, 0.5, 0.25]);
    }

    #[test]
    fn an_improvement_in_between_starts_the_count_again() {
        let errors = [0.9, 0.95, 0.8, 0.85, 0.7, 0.75];
        assert_eq!(of(&plateau(2), &errors), [1.0; 7]);
    }

    #[test]
    fn the_best_is_kept_across_falls() {
        // After the fall 0.85 improves on 0.9 but not on the best, 0.8.
        let errors = [0.8, 0.9, 0.9, 0.85, 0.85];
        assert_eq!(of(&plateau(2), &errors), [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn the_rate_falls_at_most_as_often_as_allowed() {
        let factors = of(&plateau(1), &[0.5; 10]);
        assert_eq!(factors[..6], [1.0, 1.0, 0.5, 0.25, 0.125, 0.125]);
        assert_eq!(factors[10], 0.125);
        let never = Plateau {
            drops: 0,
            ..plateau(1)
        };
        assert_eq!(of(&never, &[0.5; 10]), [1.0; 11]);
    }

    #[test]
    fn an_improvement_must_exceed_min_delta() {
        let config = Plateau {
            min_delta: 0.25,
            ..plateau(1)
        };
        // 0.5 is below 0.75 by just min_delta, which is a miss; 0.25 is not.
        assert_eq!(of(&config, &[0.75, 0.5]), [1.0, 1.0, 0.5]);
        assert_eq!(of(&config, &[0.75, 0.25]), [1.0; 3]);
    }

    #[test]
    fn unmeasured_epochs_neither_help_nor_hurt() {
        let errors = [Some(0.8), None, Some(0.8), None, None, Some(0.8)];
        assert_eq!(
            factors(&plateau(2), &errors),
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
        );
        assert_eq!(factors(&plateau(1), &[None; 5]), [1.0; 6]);
    }

    #[test]
    fn a_value_that_is_not_a_number_is_a_miss_even_at_first() {
        let errors = [f64::NAN, 0.9, f64::NAN];
        assert_eq!(of(&plateau(1), &errors), [1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn warming_up_multiplies() {
        let config = Plateau {
            linear_warmup: 2.0,
            ..plateau(1)
        };
        // Steps 2, 4 and 6 of four warm-up steps.
        assert_eq!(of(&config, &[0.5, 0.5]), [0.5, 1.0, 0.5]);
    }

    #[test]
    fn values_out_of_range_and_unknown_metrics_are_refused() {
        for (part, config) in [
            ("`patience`", plateau(0)),
            (
                "`factor`",
                Plateau {
                    factor: 10.0,
                    ..plateau(1)
                },
            ),
            (
                "`min_delta`",
                Plateau {
                    min_delta: -0.1,
                    ..plateau(1)
                },
            ),
            (
                "`linear_warmup`",
                Plateau {
                    linear_warmup: -0.1,
                    ..plateau(1)
                },
            ),
            (
                "`metric`: there is no metric named `top1_eror`\n  fix: did you mean `top1_error`?",
                Plateau {
                    metric: "top1_eror".to_string(),
                    ..plateau(1)
                },
            ),
        ] {
            let error = config.build().err().expect("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
