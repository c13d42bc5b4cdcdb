//! A progress bar on a terminal, with a line for each finished epoch above it.

use std::time::{Duration, Instant};

use ablate_runner::{Event, Observer, Plan};
use indicatif::{ProgressBar, ProgressStyle};

use super::{ending, group, name, summary};

/// The bar counts epochs over all trials, so that time left means the run's.
pub struct Bar {
    bar: ProgressBar,
    epochs_per_step: f64,
    trials: usize,
    begun: usize,
    window: Window,
}

/// The bar's units per epoch: fine enough for steps to show.
const RESOLUTION: f64 = 1000.0;

impl Bar {
    /// For the trials of `plan`.
    pub fn new(plan: &Plan) -> Self {
        let epochs: usize = plan
            .trials
            .iter()
            .map(|trial| trial.config.training.epochs)
            .sum();
        let bar = ProgressBar::new((epochs as f64 * RESOLUTION) as u64);
        let style = ProgressStyle::with_template(
            "{bar:30.cyan/238} {percent:>3}%  {eta_precise} left  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            epochs_per_step: 0.0,
            trials: plan.trials.len(),
            begun: 0,
            window: Window::new(),
        }
    }

    /// Moves the bar to a number of epochs within the current trial.
    fn advance(&self, trial_epochs: usize, done: f64, before: u64) {
        let done = done.min(trial_epochs as f64);
        self.bar.set_position(before + (done * RESOLUTION) as u64);
    }
}

impl Observer for Bar {
    fn notice(&mut self, event: Event) {
        match event {
            Event::Kept { trial, status } => {
                self.begun += 1;
                // Work that is not done again must not count into the time left.
                let units = (trial.config.training.epochs as f64 * RESOLUTION) as u64;
                self.bar
                    .set_length(self.bar.length().unwrap_or(units).saturating_sub(units));
                self.bar
                    .println(format!("{}: already {}", name(trial), ending(status)));
            }
            Event::Started {
                trial,
                done_epochs,
                steps_per_epoch,
                ..
            } => {
                self.begun += 1;
                self.epochs_per_step = 1.0 / steps_per_epoch.max(1) as f64;
                self.window = Window::new();
                self.window.before = self.bar.position();
                if done_epochs > 0 {
                    self.bar.println(format!(
                        "{}: going on after epoch {done_epochs}",
                        name(trial)
                    ));
                }
            }
            Event::Step {
                trial,
                epoch,
                step,
                loss,
                images,
            } => {
                let done = epoch as f64 + step as f64 * self.epochs_per_step;
                self.advance(trial.config.training.epochs, done, self.window.before);
                if let Some(rate) = self.window.add(images) {
                    self.bar.set_message(format!(
                        "{} ({}/{})  epoch {}/{}  loss {loss:.3}  {rate:.0} images/s",
                        name(trial),
                        self.begun,
                        self.trials,
                        epoch + 1,
                        trial.config.training.epochs
                    ));
                }
            }
            Event::Evaluating { trial } => {
                self.bar.set_message(format!("{}  evaluating", name(trial)))
            }
            Event::Epoch { trial, record } => self.bar.println(format!(
                "{} epoch {}/{}  {}",
                name(trial),
                record.epoch,
                trial.config.training.epochs,
                summary(record)
            )),
            Event::Ended { trial, status } => {
                self.advance(
                    trial.config.training.epochs,
                    trial.config.training.epochs as f64,
                    self.window.before,
                );
                self.bar
                    .println(format!("{} {}", name(trial), ending(status)));
            }
            Event::Averaged {
                variant,
                members,
                status,
            } => self
                .bar
                .println(format!("{}: {}", group(variant, members), ending(status))),
            Event::Warning { trial, message } => {
                self.bar
                    .println(format!("warning: {}: {message}", name(trial)));
            }
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Throughput over the last while, refreshed a few times a second.
struct Window {
    /// The bar's position when the trial began.
    before: u64,
    since: Instant,
    images: usize,
}

impl Window {
    fn new() -> Self {
        Self {
            before: 0,
            since: Instant::now(),
            images: 0,
        }
    }

    /// Adds images; returns images per second when it is time to show them.
    fn add(&mut self, images: usize) -> Option<f64> {
        self.images += images;
        let elapsed = self.since.elapsed();
        if elapsed < Duration::from_millis(300) {
            return None;
        }
        let rate = self.images as f64 / elapsed.as_secs_f64();
        (self.since, self.images) = (Instant::now(), 0);
        Some(rate)
    }
}
