//! What is known of one trial while a run goes on.

use std::time::{Duration, Instant};

use ablate_core::EpochRecord;
use ablate_runner::PlannedTrial;
use ablate_store::Status;

use super::measured::Measured;
use crate::watch::name;

/// Parts of an epoch whose mean loss is a point of the curve: fine enough to see a
/// first epoch go down, coarse enough to draw many trials.
const PARTS: usize = 20;

/// How far a trial is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// It has not begun.
    Waiting,
    /// It trains.
    Training,
    /// The validation images are measured.
    Evaluating,
    /// It is done, or was stopped (`Unfinished`).
    Ended(Status),
}

/// A trial.
pub struct Row {
    /// As planned.
    pub trial: PlannedTrial,
    /// `relu seed 2`
    pub name: String,
    /// The variant's place among the variants, which is its colour.
    pub variant: usize,
    /// How far it is.
    pub phase: Phase,
    /// Epochs done, with the part of the current one.
    pub done: f64,
    /// Of those, the ones that this run did not do.
    pub found: f64,
    /// Loss of the latest steps, their mean.
    pub loss: Option<f64>,
    /// Images a second, lately.
    pub speed: Option<f64>,
    /// What its epochs measured.
    pub history: Vec<EpochRecord>,
    /// The loss as it goes: epochs, mean over a part of one.
    losses: Vec<(f64, f64)>,
    part: Mean,
    steps_per_epoch: usize,
    window: Window,
}

/// A mean in the making.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

/// Throughput over the last while in which it trained.
struct Window {
    trained: Duration,
    images: usize,
    /// When the last step ended, or training went on.
    since: Instant,
}

impl Window {
    fn new() -> Self {
        Self {
            trained: Duration::ZERO,
            images: 0,
            since: Instant::now(),
        }
    }

    /// Adds a step; returns images a second once there is a while to measure.
    fn add(&mut self, images: usize) -> Option<f64> {
        let now = Instant::now();
        self.trained += now - self.since;
        self.since = now;
        self.images += images;
        if self.trained < Duration::from_secs(1) {
            return None;
        }
        let speed = self.images as f64 / self.trained.as_secs_f64();
        *self = Self::new();
        Some(speed)
    }
}

impl Row {
    /// A trial that has not begun.
    pub fn new(trial: &PlannedTrial, variant: usize) -> Self {
        Self {
            trial: trial.clone(),
            name: name(trial),
            variant,
            phase: Phase::Waiting,
            done: 0.0,
            found: 0.0,
            loss: None,
            speed: None,
            history: Vec::new(),
            losses: Vec::new(),
            part: Mean::default(),
            steps_per_epoch: 1,
            window: Window::new(),
        }
    }

    /// The epochs it is to have.
    pub fn epochs(&self) -> usize {
        self.trial.config.training.epochs
    }

    /// The epochs that are done; all of them where it has ended for good, which may be
    /// before the last.
    pub fn credit(&self) -> f64 {
        match &self.phase {
            Phase::Ended(status) if status.is_done() => self.epochs() as f64,
            _ => self.done,
        }
    }

    /// Whether it trains or is measured.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Training | Phase::Evaluating)
    }

    /// It begins, or goes on after what an earlier run did.
    pub fn start(&mut self, epochs: usize, steps: usize, steps_per_epoch: usize) {
        self.phase = Phase::Training;
        self.steps_per_epoch = steps_per_epoch.max(1);
        self.done = epochs as f64 + steps as f64 / self.steps_per_epoch as f64;
        self.found = self.done;
        self.window = Window::new();
    }

    /// A step is done: the `step`th after `epoch` epochs.
    pub fn step(&mut self, epoch: usize, step: usize, loss: f64, images: usize) {
        self.phase = Phase::Training;
        self.done = epoch as f64 + step as f64 / self.steps_per_epoch as f64;
        self.part.sum += loss;
        self.part.count += 1;
        if self.part.count >= self.steps_per_epoch.div_ceil(PARTS) || step == self.steps_per_epoch {
            let part = std::mem::take(&mut self.part);
            let mean = part.sum / part.count as f64;
            let middle = self.done - 0.5 * part.count as f64 / self.steps_per_epoch as f64;
            self.loss = Some(mean);
            if mean.is_finite() {
                self.losses.push((middle, mean));
            }
        }
        if let Some(speed) = self.window.add(images) {
            self.speed = Some(speed);
        }
    }

    /// An epoch is measured and stored, which took time without training.
    pub fn epoch(&mut self, record: &EpochRecord) {
        self.history.push(record.clone());
        self.done = record.epoch as f64;
        self.phase = Phase::Training;
        self.window.since = Instant::now();
    }

    /// It waits.
    pub fn rest(&mut self) {
        self.speed = None;
        self.window = Window::new();
    }

    /// It has ended.
    pub fn end(&mut self, status: &Status) {
        self.phase = Phase::Ended(status.clone());
        self.speed = None;
    }

    /// Its curve: epochs and values, in order.
    pub fn curve(&self, measured: &Measured) -> Vec<(f64, f64)> {
        let points = self
            .history
            .iter()
            .filter_map(|record| measured.point(record));
        match self.losses.first() {
            // The epochs that this process did not see, then every part of the others.
            Some(&(first, _)) if measured.is_step_loss() => points
                .take_while(|(epoch, _)| *epoch < first)
                .chain(self.losses.iter().copied())
                .collect(),
            _ => points.collect(),
        }
    }

    /// The latest value, as shown.
    pub fn latest(&self, measured: &Measured) -> Option<f64> {
        let mut records = self.history.iter().rev();
        records.find_map(|record| measured.point(record).map(|(_, value)| value))
    }
}
