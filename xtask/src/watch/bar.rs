//! A progress bar on a terminal, with a line for each finished epoch above it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ablate_runner::{Event, Observer, Plan};
use indicatif::{ProgressBar, ProgressStyle};

use super::{ending, group, name, summary};

/// The bar counts epochs over all trials, so that time left means the run's.
pub struct Bar {
    bar: ProgressBar,
    trials: usize,
    begun: usize,
    /// Units of trials that have ended in this run.
    ended: u64,
    /// The trials that train, by name.
    running: BTreeMap<String, Running>,
}

/// A trial that trains.
struct Running {
    epochs_per_step: f64,
    /// Units done.
    done: u64,
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
            trials: plan.trials.len(),
            begun: 0,
            ended: 0,
            running: BTreeMap::new(),
        }
    }

    /// Moves the bar to what has ended and what the running trials have done.
    fn advance(&self) {
        let running: u64 = self.running.values().map(|running| running.done).sum();
        self.bar.set_position(self.ended + running);
    }

    /// `[relu seed 2 (5/10)]`, of several at once how many.
    fn place(&self, name: &str) -> String {
        let (begun, trials) = (self.begun, self.trials);
        match self.running.len() {
            0 | 1 => format!("{name} ({begun}/{trials})"),
            several => format!("{several} at once ({begun}/{trials})  {name}"),
        }
    }
}

/// Epochs in the bar's units.
fn units(epochs: f64) -> u64 {
    (epochs * RESOLUTION) as u64
}

impl Observer for Bar {
    fn notice(&mut self, event: Event) {
        match event {
            Event::Kept { trial, status } => {
                self.begun += 1;
                // Work that is not done again must not count into the time left.
                let units = units(trial.config.training.epochs as f64);
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
                let running = Running {
                    epochs_per_step: 1.0 / steps_per_epoch.max(1) as f64,
                    done: units(done_epochs as f64),
                    window: Window::new(),
                };
                self.running.insert(name(trial), running);
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
                let name = name(trial);
                let Some(running) = self.running.get_mut(&name) else {
                    return;
                };
                let epochs = trial.config.training.epochs;
                let done = epoch as f64 + step as f64 * running.epochs_per_step;
                running.done = units(done.min(epochs as f64));
                let rate = running.window.add(images);
                self.advance();
                if let Some(rate) = rate {
                    self.bar.set_message(format!(
                        "{}  epoch {}/{epochs}  loss {loss:.3}  {rate:.0} images/s",
                        self.place(&name),
                        epoch + 1,
                    ));
                }
            }
            Event::Evaluating { trial } => {
                let place = self.place(&name(trial));
                self.bar.set_message(format!("{place}  evaluating"));
            }
            Event::Epoch { trial, record } => self.bar.println(format!(
                "{} epoch {}/{}  {}",
                name(trial),
                record.epoch,
                trial.config.training.epochs,
                summary(record)
            )),
            Event::Ended { trial, status } => {
                self.running.remove(&name(trial));
                self.ended += units(trial.config.training.epochs as f64);
                self.advance();
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
    since: Instant,
    images: usize,
}

impl Window {
    fn new() -> Self {
        Self {
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
