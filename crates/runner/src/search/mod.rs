//! The trials of a search, round by round, and the choice they lead to. Which
//! candidates there are is the business of [`candidates`], which did best of [`ranking`].

mod candidates;
mod ranking;

use std::collections::HashMap;
use std::path::Path;

use ablate_store::{Candidate, Censored, Measure, Score, Searched, Status, Trial};
use serde_json::Value;

use self::ranking::ranked;
use crate::config::{Hashes, MOST_SEEDS, SearchTable, TrialConfig, Variant};
use crate::{Error, PlannedTrial, Result, Shorter};

/// Search seeds begin here, where those of trials, which count from 0, end.
const FIRST_SEED: u64 = MOST_SEEDS;

/// The table `[search]` made into trials.
pub(crate) struct Search {
    table: SearchTable,
    candidates: Vec<Vec<Value>>,
    variants: Vec<Searching>,
}

/// One variant with the config of each candidate.
struct Searching {
    variant: String,
    configs: Vec<TrialConfig>,
    /// Of the first round, in which all candidates are.
    hashes: Vec<Hashes>,
}

/// Trials that have run, also by their content hash.
struct Found<'a> {
    trials: &'a [Trial],
    by_hash: HashMap<&'a str, &'a Trial>,
}

/// How far a variant's candidates have come.
struct Standing {
    /// The last score of each candidate and its epochs; `None` before the first.
    scores: Vec<Option<(usize, Score)>>,
    /// The candidates of the round that is not done, and its epochs.
    waiting: Option<(usize, Vec<usize>)>,
}

impl Search {
    /// Reads the config of every candidate, so that a wrong one shows before
    /// anything is trained.
    ///
    /// # Errors
    /// A key is unknown, a value has the wrong type, two candidates make the same
    /// trial, or trials have seeds that are the search's.
    pub fn new(file: &Path, table: SearchTable, variants: &[Variant], seeds: u64) -> Result<Self> {
        let refuse = |key: &str, problem: String, fix: &str| {
            Error::config(file.display(), format!("search.{key}"), problem, fix)
        };
        if seeds > FIRST_SEED {
            let problem = format!("its seeds begin at {FIRST_SEED}, and trials have {seeds}");
            return Err(refuse("seeds", problem, "give fewer seeds a variant"));
        }
        let mut search = Self {
            candidates: candidates::of(file, &table)?,
            table,
            variants: Vec::new(),
        };
        let first = search.table.rounds().first().copied();
        for variant in variants.iter().filter(|v| search.table.covers(&v.name)) {
            let mut searching = Searching {
                variant: variant.name.clone(),
                configs: Vec::with_capacity(search.candidates.len()),
                hashes: Vec::with_capacity(search.candidates.len()),
            };
            let mut seen: HashMap<String, usize> = HashMap::new();
            for (index, values) in search.candidates.iter().enumerate() {
                let mut config = variant.config(&search.table.trying(file, values)?)?;
                config.training.epochs = first.unwrap_or(search.table.epochs);
                // Stopping early would compare epochs that are not the same.
                config.training.stop_at_train_error = None;
                let hashes = config.hashes();
                if let Some(twin) = seen.insert(hashes.of(0), index) {
                    let (twin, own) = (search.named(twin), search.named(index));
                    let problem = format!("`{twin}` and `{own}` make the same trial");
                    let fix = "name keys that change results, and each value once";
                    return Err(refuse("keys", problem, fix));
                }
                searching.configs.push(config);
                searching.hashes.push(hashes);
            }
            search.variants.push(searching);
        }
        Ok(search)
    }

    /// The table it was made of.
    pub fn table(&self) -> &SearchTable {
        &self.table
    }

    /// What decides.
    pub fn by(&self) -> &Measure {
        &self.table.by
    }

    /// The trials of the first round that `done` does not have whole; `None` where
    /// nothing is left to train.
    ///
    /// # Errors
    /// No candidate of a variant is left.
    pub fn next(&self, done: &[Trial]) -> Result<Option<Vec<PlannedTrial>>> {
        let found = Found::of(done);
        let mut waiting = Vec::with_capacity(self.variants.len());
        for searching in &self.variants {
            waiting.push(self.standing(searching, &found)?.waiting);
        }
        // Those that are further along wait for the others.
        let Some(epochs) = waiting.iter().flatten().map(|(epochs, _)| *epochs).min() else {
            return Ok(None);
        };
        let round = waiting.into_iter().map(|waiting| match waiting {
            Some((own, candidates)) if own == epochs => candidates,
            _ => Vec::new(),
        });
        Ok(Some(self.round(epochs, &round.collect::<Vec<_>>())))
    }

    /// The rounds as they will be but for who is in them: what a search will cost can
    /// be told before it is known who does well.
    pub fn foreseen(&self) -> Vec<Vec<PlannedTrial>> {
        let mut left = self.candidates.len();
        let mut rounds = Vec::new();
        for (index, epochs) in self.table.rounds().into_iter().enumerate() {
            if index > 0 {
                left = self.kept(left);
                if left == 1 {
                    break;
                }
            }
            let candidates = vec![(0..left).collect::<Vec<_>>(); self.variants.len()];
            rounds.push(self.round(epochs, &candidates));
        }
        rounds
    }

    /// A round's trials: of each variant these candidates, seed by seed.
    fn round(&self, epochs: usize, candidates: &[Vec<usize>]) -> Vec<PlannedTrial> {
        let earlier = self.table.rounds().into_iter();
        let earlier = earlier.take_while(|earlier| *earlier < epochs).last();
        let mut trials = Vec::new();
        for seed in self.seeds() {
            for (searching, candidates) in self.variants.iter().zip(candidates) {
                for &candidate in candidates {
                    let shorter = |epochs| Shorter {
                        hash: searching.hashes(candidate, epochs).of(seed),
                        epochs,
                    };
                    let hashes = searching.hashes(candidate, epochs);
                    let config = searching.config(candidate, epochs);
                    trials.push(PlannedTrial {
                        tries: Some(self.named(candidate)),
                        continues: earlier.map(shorter),
                        ..PlannedTrial::new(&searching.variant, seed, &hashes, config)
                    });
                }
            }
        }
        trials
    }

    /// What the trials of a search say, and what each variant's own will use.
    ///
    /// # Errors
    /// A trial has not run, or no candidate of a variant did well.
    pub fn choose(&self, trials: &[Trial]) -> Result<ablate_store::Search> {
        let found = Found::of(trials);
        let mut variants = Vec::with_capacity(self.variants.len());
        for searching in &self.variants {
            let standing = self.standing(searching, &found)?;
            if let Some((_, candidates)) = &standing.waiting {
                let name = candidates
                    .first()
                    .map_or_else(String::new, |c| self.named(*c));
                return Err(Error::Other(format!(
                    "the search cannot choose: {} {name} has not run to its end\n  fix: `cargo \
                     xtask run` the experiment; it goes on from where it stands",
                    searching.variant
                )));
            }
            let scored = self.candidates.iter().zip(&standing.scores);
            let candidates: Vec<Candidate> = scored
                .map(|(values, scored)| {
                    let (epochs, score) = scored.unwrap_or((0, Score::NotReached));
                    Candidate {
                        values: values.clone(),
                        epochs,
                        score,
                    }
                })
                .collect();
            let order = ranked(&candidates);
            let chosen = *order
                .first()
                .ok_or_else(|| self.hopeless(searching, &found))?;
            variants.push(Searched {
                variant: searching.variant.clone(),
                candidates,
                chosen,
            });
        }
        Ok(ablate_store::Search {
            keys: self.table.keys.keys().cloned().collect(),
            strategy: self.table.strategy,
            by: self.table.by.clone(),
            epochs: self.table.epochs,
            seeds: self.seeds().collect(),
            variants,
        })
    }

    /// Goes up round by round as far as trials are done.
    fn standing(&self, searching: &Searching, found: &Found) -> Result<Standing> {
        let mut left: Vec<usize> = (0..self.candidates.len()).collect();
        let mut scores = vec![None; left.len()];
        for (index, epochs) in self.table.rounds().into_iter().enumerate() {
            if index > 0 {
                left = self.promoted(&left, &scores);
                match left.len() {
                    0 if !scores.iter().flatten().any(|(_, score)| score.is_mean()) => {
                        return Err(self.hopeless(searching, found));
                    }
                    // The others are out: there is nothing left to decide. Where all
                    // are out, the best of those that were dropped is chosen.
                    0 | 1 => break,
                    _ => {}
                }
            }
            let mut round = Vec::with_capacity(left.len());
            for &candidate in &left {
                round.push(self.score(searching, candidate, epochs, found));
            }
            if round.iter().any(Option::is_none) {
                let waiting = Some((epochs, left));
                return Ok(Standing { scores, waiting });
            }
            for (&candidate, score) in left.iter().zip(round) {
                scores[candidate] = score.map(|score| (epochs, score));
            }
        }
        Ok(Standing {
            scores,
            waiting: None,
        })
    }

    /// The better of a round's candidates, in their order.
    fn promoted(&self, left: &[usize], scores: &[Option<(usize, Score)>]) -> Vec<usize> {
        let candidate = |&index: &usize| {
            let (epochs, score) = scores[index].unwrap_or((0, Score::Diverged));
            Candidate {
                values: self.candidates[index].clone(),
                epochs,
                score,
            }
        };
        let round: Vec<Candidate> = left.iter().map(candidate).collect();
        let best = ranked(&round).into_iter().take(self.kept(left.len()));
        let mut kept: Vec<usize> = best.map(|place| left[place]).collect();
        kept.sort_unstable();
        kept
    }

    /// How many of a round's candidates the next one has.
    fn kept(&self, candidates: usize) -> usize {
        (candidates / self.table.eta).max(1)
    }

    fn seeds(&self) -> std::ops::Range<u64> {
        FIRST_SEED..FIRST_SEED + self.table.seeds
    }

    /// `optimiser.lr = 0.01, model.dropout = 0.5`
    fn named(&self, candidate: usize) -> String {
        let values = &self.candidates[candidate];
        let pairs = self.table.keys.keys().zip(values);
        let pairs: Vec<String> = pairs
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        pairs.join(", ")
    }

    /// A candidate's score over its seeds; `None` where one has not run to its end.
    fn score(
        &self,
        searching: &Searching,
        candidate: usize,
        epochs: usize,
        found: &Found,
    ) -> Option<Score> {
        let hashes = searching.hashes(candidate, epochs);
        let mut sum = 0.0;
        let mut reached = true;
        let (mut diverged, mut failed) = (false, false);
        for seed in self.seeds() {
            let trial = found.by_hash.get(hashes.of(seed).as_str())?;
            match &trial.status {
                Status::Finished => {}
                Status::Diverged { .. } => diverged = true,
                Status::Failed { .. } => failed = true,
                Status::Unfinished => return None,
            }
            match self.table.by.of(trial) {
                Censored::Seen(value) if value.is_finite() => sum += value,
                Censored::MoreThan(_) => reached = false,
                Censored::Seen(_) | Censored::Missing => diverged = true,
            }
        }
        Some(if failed {
            Score::Failed
        } else if diverged {
            Score::Diverged
        } else if reached {
            Score::Mean(sum / self.table.seeds as f64)
        } else {
            Score::NotReached
        })
    }

    fn hopeless(&self, searching: &Searching, found: &Found) -> Error {
        let failure = found.trials.iter().find_map(|trial| match &trial.status {
            Status::Failed { message } if trial.variant == searching.variant => {
                Some(format!("; one failed: {message}"))
            }
            _ => None,
        });
        let keys: Vec<String> = self
            .table
            .keys
            .keys()
            .map(|key| format!("`{key}`"))
            .collect();
        Error::Other(format!(
            "no value of {} trains {}: each diverged, failed or missed the target in {} \
             epochs{}\n  fix: give other search.keys, or more search.epochs",
            keys.join(" and "),
            searching.variant,
            self.table.epochs,
            failure.unwrap_or_default()
        ))
    }
}

impl Searching {
    /// A candidate's config in a round.
    fn config(&self, candidate: usize, epochs: usize) -> TrialConfig {
        let mut config = self.configs[candidate].clone();
        config.training.epochs = epochs;
        config
    }

    /// A candidate's content hashes in a round.
    fn hashes(&self, candidate: usize, epochs: usize) -> Hashes {
        match self.configs[candidate].training.epochs == epochs {
            true => self.hashes[candidate].clone(),
            false => self.config(candidate, epochs).hashes(),
        }
    }
}

impl<'a> Found<'a> {
    fn of(trials: &'a [Trial]) -> Self {
        let by_hash = trials.iter().map(|trial| (trial.hash.as_str(), trial));
        Self {
            trials,
            by_hash: by_hash.collect(),
        }
    }
}
