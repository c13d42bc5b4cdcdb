//! The trials of a search, and the choice they lead to.

use std::path::Path;

use ablate_store::{Candidate, Censored, Measure, Score, Searched, Status, Strategy, Trial};
use serde_json::Value;

use crate::config::{SearchTable, TrialConfig, Variant};
use crate::{Error, PlannedTrial, Result};

/// Search seeds begin here. Trials count theirs from 0, and `--seeds` ends there.
const FIRST_SEED: u64 = 1000;

/// The table `[search]` made into trials.
pub(crate) struct Search {
    table: SearchTable,
    grids: Vec<Grid>,
}

/// One variant's values.
struct Grid {
    variant: String,
    candidates: Vec<(Value, TrialConfig)>,
}

impl Search {
    /// Reads the config of every value, so that a wrong one shows before anything
    /// is trained.
    ///
    /// # Errors
    /// The key is unknown, a value has the wrong type, two values make the same
    /// trial, or trials have seeds that are the search's.
    pub fn new(file: &Path, table: SearchTable, variants: &[Variant], seeds: u64) -> Result<Self> {
        let refuse = |key: &str, problem: String, fix: &str| Error::Config {
            origin: file.display().to_string(),
            key: format!("search.{key}"),
            problem,
            fix: fix.to_string(),
        };
        if seeds > FIRST_SEED {
            let problem = format!("its seeds begin at {FIRST_SEED}, and trials have {seeds}");
            return Err(refuse("seeds", problem, "give fewer seeds a variant"));
        }
        let mut grids = Vec::new();
        for variant in variants.iter().filter(|v| table.covers(&v.name)) {
            let mut candidates: Vec<(Value, TrialConfig)> = Vec::new();
            for value in &table.values {
                let mut config = variant.config(&table.trying(file, value)?)?;
                config.training.epochs = table.epochs;
                // Stopping early would compare epochs that are not the same.
                config.training.stop_at_train_error = None;
                let twin = |(_, other): &&(Value, TrialConfig)| other.hash(0) == config.hash(0);
                if let Some((other, _)) = candidates.iter().find(twin) {
                    let problem =
                        format!("`{}` = {other} and {value} make the same trial", table.key);
                    let fix = "name a key that changes results, and each value once";
                    return Err(refuse("values", problem, fix));
                }
                candidates.push((value.clone(), config));
            }
            grids.push(Grid {
                variant: variant.name.clone(),
                candidates,
            });
        }
        Ok(Self { table, grids })
    }

    /// The table it was made from.
    pub fn table(&self) -> &SearchTable {
        &self.table
    }

    /// What values are compared by.
    pub fn by(&self) -> &Measure {
        &self.table.by
    }

    /// The trials whose results [`choose`](Self::choose) needs. A strategy that
    /// trains only some values, or some of them longer, gives its trials here.
    pub fn trials(&self) -> Vec<PlannedTrial> {
        match self.table.strategy {
            Strategy::Grid => self.every_value(),
        }
    }

    fn every_value(&self) -> Vec<PlannedTrial> {
        let mut trials = Vec::new();
        for seed in self.seeds() {
            for grid in &self.grids {
                for (value, config) in &grid.candidates {
                    trials.push(PlannedTrial {
                        tries: Some(format!("{} = {value}", self.table.key)),
                        ..PlannedTrial::new(&grid.variant, seed, config.clone())
                    });
                }
            }
        }
        trials
    }

    /// Chooses each variant's value.
    ///
    /// # Errors
    /// A trial is missing, unfinished or failed, or no value trains a variant.
    pub fn choose(&self, trials: &[Trial]) -> Result<ablate_store::Search> {
        let mut variants = Vec::with_capacity(self.grids.len());
        for grid in &self.grids {
            let mut candidates = Vec::with_capacity(grid.candidates.len());
            for (value, config) in &grid.candidates {
                let score = self.score(grid, value, config, trials)?;
                let value = value.clone();
                candidates.push(Candidate { value, score });
            }
            let chosen = best(&candidates).ok_or_else(|| self.hopeless(&grid.variant))?;
            variants.push(Searched {
                variant: grid.variant.clone(),
                candidates,
                chosen,
            });
        }
        Ok(ablate_store::Search {
            key: self.table.key.clone(),
            strategy: self.table.strategy,
            by: self.table.by.clone(),
            epochs: self.table.epochs,
            seeds: self.seeds().collect(),
            variants,
        })
    }

    fn seeds(&self) -> std::ops::Range<u64> {
        FIRST_SEED..FIRST_SEED + self.table.seeds
    }

    /// How a value did over all seeds.
    fn score(
        &self,
        grid: &Grid,
        value: &Value,
        config: &TrialConfig,
        trials: &[Trial],
    ) -> Result<Score> {
        let mut sum = 0.0;
        let mut reached = true;
        let mut diverged = false;
        for seed in self.seeds() {
            let hash = config.hash(seed);
            let trial = trials.iter().find(|trial| trial.hash == hash);
            let name = format!("{} {} = {value}, seed {seed}", grid.variant, self.table.key);
            match trial.map(|trial| &trial.status) {
                Some(Status::Finished) => {}
                Some(Status::Diverged { .. }) => diverged = true,
                Some(Status::Failed { message }) => {
                    return Err(Error::Other(format!(
                        "the search cannot choose: {name} failed: {message}\n  fix: mend that and run the same command again; what is done is kept"
                    )));
                }
                Some(Status::Unfinished) | None => {
                    return Err(Error::Other(format!(
                        "the search cannot choose: {name} has not run to its end\n  fix: `cargo xtask run` the experiment; it goes on from where it stands"
                    )));
                }
            }
            match trial.map_or(Censored::Missing, |trial| self.table.by.of(trial)) {
                Censored::Seen(value) if value.is_finite() => sum += value,
                Censored::MoreThan(_) => reached = false,
                Censored::Seen(_) | Censored::Missing => diverged = true,
            }
        }
        Ok(if diverged {
            Score::Diverged
        } else if reached {
            Score::Mean(sum / self.table.seeds as f64)
        } else {
            Score::NotReached
        })
    }

    fn hopeless(&self, variant: &str) -> Error {
        Error::Other(format!(
            "no value of `{}` trains {variant}: each diverged or missed the target in {} epochs\n  fix: give other search.values, or more search.epochs",
            self.table.key, self.table.epochs
        ))
    }
}

/// The value with the least mean; of equal ones the smaller number, else the
/// first.
fn best(candidates: &[Candidate]) -> Option<Value> {
    let mut best: Option<(f64, &Value)> = None;
    for candidate in candidates {
        let Score::Mean(mean) = candidate.score else {
            continue;
        };
        let better = best.is_none_or(|(least, value)| {
            mean < least || (mean == least && smaller(&candidate.value, value))
        });
        if better {
            best = Some((mean, &candidate.value));
        }
    }
    best.map(|(_, value)| value.clone())
}

fn smaller(a: &Value, b: &Value) -> bool {
    matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a < b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(value: f64, score: Score) -> Candidate {
        Candidate {
            value: value.into(),
            score,
        }
    }

    #[test]
    fn the_least_mean_wins_and_ties_go_to_the_smaller_value() {
        let grid = [
            candidate(0.1, Score::Mean(0.5)),
            candidate(0.01, Score::Mean(0.5)),
            candidate(0.001, Score::Mean(0.9)),
        ];
        assert_eq!(best(&grid), Some(0.01.into()));
    }

    #[test]
    fn values_that_diverged_or_missed_the_target_lose() {
        let grid = [
            candidate(0.001, Score::NotReached),
            candidate(0.01, Score::Mean(7.0)),
            candidate(0.1, Score::Diverged),
        ];
        assert_eq!(best(&grid), Some(0.01.into()));
        assert_eq!(best(&grid[2..]), None);
    }
}
