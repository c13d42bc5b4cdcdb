//! Plain lines, for logs and pipes.

use std::time::Instant;

use ablate_runner::{Event, Observer, Plan};

use super::{ending, group, name, summary};

/// One line at each start, epoch and end.
pub struct Lines {
    trials: usize,
    begun: usize,
    started: Instant,
}

impl Lines {
    /// For the trials of `plan`.
    pub fn new(plan: &Plan) -> Self {
        Self {
            trials: plan.trials.len(),
            begun: 0,
            started: Instant::now(),
        }
    }
}

impl Observer for Lines {
    fn notice(&mut self, event: Event) {
        match event {
            Event::Kept { trial, status } => {
                self.begun += 1;
                let (begun, trials) = (self.begun, self.trials);
                eprintln!(
                    "[{begun}/{trials}] {}: already {}",
                    name(trial),
                    ending(status)
                );
            }
            Event::Started {
                trial,
                done_epochs,
                done_steps,
                ..
            } => {
                self.begun += 1;
                let (begun, trials) = (self.begun, self.trials);
                let resumed = match (done_epochs, done_steps) {
                    (0, 0) => String::new(),
                    _ => format!(", going on after epoch {done_epochs}, step {done_steps}"),
                };
                eprintln!("[{begun}/{trials}] {}{resumed}", name(trial));
            }
            Event::Epoch { trial, record } => eprintln!(
                "  {} epoch {}/{}  {}",
                name(trial),
                record.epoch,
                trial.config.training.epochs,
                summary(record)
            ),
            Event::Ended { trial, status } => eprintln!(
                "  {} {} ({:.0} s since the run began)",
                name(trial),
                ending(status),
                self.started.elapsed().as_secs_f64()
            ),
            Event::Averaged {
                variant,
                members,
                status,
            } => eprintln!("{}: {}", group(variant, members), ending(status)),
            Event::Warning { trial, message } => eprintln!("warning: {}: {message}", name(trial)),
            _ => {}
        }
    }
}
