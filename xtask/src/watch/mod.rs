//! Watching a run: a live view on a terminal, plain lines elsewhere, JSON on
//! request.

mod announce;
mod json;
mod lines;
mod live;
pub mod logs;
mod recorded;

use std::io::{IsTerminal, stderr, stdin};
use std::path::Path;

use ablate_runner::{Control, Observer, Plan, PlannedTrial};
use ablate_store::Status;

pub use announce::{announce, cost, mebibytes, plan_json};
pub use live::screen;
pub use recorded::Recorded;

/// What is said of a run that ended at once.
pub const ABORTED: &str = "ended at once; the same command goes on from the last checkpoints";

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Style {
    /// Plain lines instead of the live view, also on a terminal.
    #[arg(long)]
    pub plain: bool,
    /// One JSON object a line instead of a view for people.
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
}

/// The observer that suits the wish and where input and output go.
pub fn observer(style: Style, plan: &Plan, store: &Path, control: &Control) -> Box<dyn Observer> {
    if style.json {
        return Box::new(json::Json);
    }
    if !style.plain && can_be_live() {
        match live::Live::begin(plan, store, control) {
            Ok(live) => return Box::new(live),
            Err(error) => eprintln!("warning: plain lines, since the terminal says: {error}"),
        }
    }
    Box::new(lines::Lines::new(plan))
}

/// Whether there is a terminal to draw on and to take keys from.
fn can_be_live() -> bool {
    let is_dumb = std::env::var("TERM").is_ok_and(|name| name == "dumb");
    stdin().is_terminal() && stderr().is_terminal() && !is_dumb
}

/// Keeps panics off the screen that say nothing to a user: those inside
/// `tensorboard-rs`, which the runner turns into errors, and `println!` into a pipe
/// whose reader has gone, as `head` does, which just ends the program.
pub fn quiet_foreign_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to std") {
            std::process::exit(1);
        }
        let foreign = panic
            .location()
            .is_some_and(|at| at.file().contains("tensorboard-rs"));
        if !foreign {
            screen::give_back();
            usual(panic);
        }
    }));
}

/// `relu seed 2`, or in a search `relu optimiser.lr = 0.01 seed 1000`.
fn name(trial: &PlannedTrial) -> String {
    match &trial.tries {
        None => format!("{} seed {}", trial.variant, trial.seed),
        Some(value) => format!("{} {value} seed {}", trial.variant, trial.seed),
    }
}

/// `five of seeds 0, 1, 2, 3, 4`.
fn group(variant: &str, members: &[u64]) -> String {
    let members: Vec<String> = members.iter().map(u64::to_string).collect();
    format!("{variant} of seeds {}", members.join(", "))
}

/// How a trial ended, in a few words.
fn ending(status: &Status) -> String {
    match status {
        Status::Unfinished => "stopped".to_string(),
        Status::Finished => "finished".to_string(),
        Status::Diverged { epoch } => format!("diverged in epoch {epoch}"),
        Status::Failed { message } => format!("failed: {message}"),
    }
}

/// One epoch in one line: `loss 1.234  train error 45.6%  validation error 47.8%`.
fn summary(record: &ablate_core::EpochRecord) -> String {
    let percent = |metrics: &std::collections::BTreeMap<String, f64>| {
        metrics
            .get("top1_error")
            .map(|error| format!("{:5.1}%", 100.0 * error))
    };
    let mut parts = Vec::new();
    if let Some(loss) = record.train.get("loss") {
        parts.push(format!("loss {loss:.3}"));
    }
    if let Some(error) = percent(&record.train) {
        parts.push(format!("train error {error}"));
    }
    if let Some(error) = percent(&record.validation) {
        parts.push(format!("validation error {error}"));
    }
    parts.push(format!("{:.0} images/s", record.images_per_second));
    parts.join("  ")
}
