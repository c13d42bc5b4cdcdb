//! What is known of a run while it goes on: its trials, how much is left, how fast
//! it goes.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ablate_core::EpochRecord;
use ablate_runner::{Control, Event, Plan, PlannedTrial, Purpose};
use ablate_store::Status;

use super::measured::Measured;
use super::row::{Phase, Row};

/// Seconds of throughput that are shown.
const SPEEDS: usize = 120;
/// Work must have gone on for so long before it says how long the rest takes.
const SOON: Duration = Duration::from_secs(2);

/// What an earlier run left of a trial: what its epochs measured.
pub type Earlier = Box<dyn Fn(&PlannedTrial) -> Vec<EpochRecord> + Send>;

/// A run as far as it has come.
pub struct Board {
    /// `Local response normalisation (profile paper)`
    pub title: String,
    /// The variants by name; a trial's colour is its variant's place here.
    pub variants: Vec<String>,
    /// The trials in plan order.
    pub rows: Vec<Row>,
    /// What there is to see of them.
    pub measured: Vec<Measured>,
    /// Images a second of all trials together, second by second, the latest last.
    pub speeds: VecDeque<u64>,
    /// The trial that began last.
    pub newest: usize,
    places: HashMap<String, usize>,
    earlier: Earlier,
    /// Time in which trials could train.
    active: Duration,
    /// Time since the last entry of `speeds`.
    unseen: Duration,
}

/// Trials by how far they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub done: usize,
    pub running: usize,
    pub left: usize,
    pub failed: usize,
    pub diverged: usize,
}

impl Board {
    /// Before the first trial of `plan`.
    pub fn new(plan: &Plan, earlier: Earlier) -> Self {
        let experiment = &plan.experiment;
        let purpose = match plan.purpose {
            Purpose::Claim => format!("profile {}", experiment.profile),
            Purpose::Search => format!("profile {}, search", experiment.profile),
        };
        Self::of(
            &format!("{} ({purpose})", experiment.title),
            &plan.trials,
            earlier,
        )
    }

    /// Before the first of these trials.
    pub fn of(title: &str, trials: &[PlannedTrial], earlier: Earlier) -> Self {
        let mut variants: Vec<String> = Vec::new();
        let mut metrics: Vec<String> = Vec::new();
        let mut rows = Vec::with_capacity(trials.len());
        for trial in trials {
            let known = variants.iter().position(|name| *name == trial.variant);
            let variant = known.unwrap_or_else(|| {
                variants.push(trial.variant.clone());
                variants.len() - 1
            });
            for metric in &trial.config.evaluation.metrics {
                if !metrics.contains(metric) {
                    metrics.push(metric.clone());
                }
            }
            rows.push(Row::new(trial, variant));
        }
        let places = trials
            .iter()
            .map(PlannedTrial::folder_name)
            .zip(0..)
            .collect();
        Self {
            title: title.to_string(),
            variants,
            rows,
            measured: Measured::all(&metrics),
            speeds: VecDeque::new(),
            newest: 0,
            places,
            earlier,
            active: Duration::ZERO,
            unseen: Duration::ZERO,
        }
    }

    /// Takes note of an event.
    pub fn notice(&mut self, event: Event) {
        match event {
            Event::Kept { trial, status } => {
                let history = (self.earlier)(trial);
                if let Some((_, row)) = self.row(trial) {
                    row.history = history;
                    row.done = row.epochs() as f64;
                    row.found = row.done;
                    row.end(status);
                }
            }
            Event::Started {
                trial,
                done_epochs,
                done_steps,
                steps_per_epoch,
                ..
            } => {
                let history = match done_epochs {
                    0 => Vec::new(),
                    _ => (self.earlier)(trial),
                };
                if let Some((place, row)) = self.row(trial) {
                    row.history = history;
                    row.start(done_epochs, done_steps, steps_per_epoch);
                    self.newest = place;
                }
            }
            Event::Step {
                trial,
                epoch,
                step,
                loss,
                images,
            } => {
                if let Some((_, row)) = self.row(trial) {
                    row.step(epoch, step, loss, images);
                }
            }
            Event::Evaluating { trial } => {
                if let Some((_, row)) = self.row(trial) {
                    row.phase = Phase::Evaluating;
                }
            }
            Event::Epoch { trial, record } => {
                if let Some((_, row)) = self.row(trial) {
                    row.epoch(record);
                }
            }
            Event::Ended { trial, status } => {
                if let Some((_, row)) = self.row(trial) {
                    row.end(status);
                }
            }
            _ => {}
        }
    }

    /// Time goes by.
    pub fn tick(&mut self, elapsed: Duration, is_paused: bool) {
        if is_paused {
            self.rows
                .iter_mut()
                .filter(|row| row.is_running())
                .for_each(Row::rest);
            return;
        }
        self.active += elapsed;
        self.unseen += elapsed;
        if self.unseen >= Duration::from_secs(1) {
            self.unseen = Duration::ZERO;
            self.speeds.push_back(self.speed() as u64);
            if self.speeds.len() > SPEEDS {
                self.speeds.pop_front();
            }
        }
    }

    /// Images a second of all trials together, lately.
    pub fn speed(&self) -> f64 {
        self.rows.iter().filter_map(|row| row.speed).sum()
    }

    /// The part of the work that is done, 0 to 1. What the run does without is no
    /// part of it.
    pub fn progress(&self, control: &Control) -> f64 {
        let done: f64 = self.rows.iter().map(Row::credit).sum();
        let rest: f64 = self.rows.iter().map(|row| rest(row, control)).sum();
        match done + rest > 0.0 {
            true => done / (done + rest),
            false => 1.0,
        }
    }

    /// How long the rest takes at the pace of what this run has done; `None` before
    /// there is a pace.
    pub fn time_left(&self, control: &Control) -> Option<Duration> {
        let worked: f64 = self.rows.iter().map(|row| row.done - row.found).sum();
        if worked <= 0.0 || self.active < SOON {
            return None;
        }
        let rest: f64 = self.rows.iter().map(|row| rest(row, control)).sum();
        Some(self.active.mul_f64(rest / worked))
    }

    /// How many trials are how far.
    pub fn tally(&self, control: &Control) -> Tally {
        let mut tally = Tally::default();
        for row in &self.rows {
            match &row.phase {
                Phase::Ended(Status::Unfinished) => tally.left += 1,
                Phase::Ended(status) => {
                    tally.done += 1;
                    tally.failed += usize::from(matches!(status, Status::Failed { .. }));
                    tally.diverged += usize::from(matches!(status, Status::Diverged { .. }));
                }
                Phase::Waiting => tally.left += usize::from(control.is_left(&row.trial)),
                Phase::Training | Phase::Evaluating => tally.running += 1,
            }
        }
        tally
    }

    fn row(&mut self, trial: &PlannedTrial) -> Option<(usize, &mut Row)> {
        let place = *self.places.get(&trial.folder_name())?;
        Some((place, self.rows.get_mut(place)?))
    }
}

/// The epochs a trial still has to do in this run.
fn rest(row: &Row, control: &Control) -> f64 {
    match row.phase {
        Phase::Ended(_) => 0.0,
        _ if control.is_left(&row.trial) => 0.0,
        _ => (row.epochs() as f64 - row.done).max(0.0),
    }
}
