//! Experiments that a test plans and runs in its own process.

use std::path::Path;

use ablate_core::DataContext;
use ablate_parallel::Alone;
use ablate_runner::{Control, Draft, Plan, RunOptions};

/// The plan of an experiment file whose data needs no folder.
pub fn plan(file: &Path, profile: &str, settings: &[impl ToString], seeds: Option<u64>) -> Plan {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let nowhere = DataContext { roots: Vec::new() };
    Draft::read(file, Some(profile), &settings, seeds, nowhere)
        .and_then(|draft| draft.plan(&[]))
        .expect("a plan")
}

/// One trial after the other, by this process alone.
pub fn alone<'a>(store: &'a Path, control: &Control) -> RunOptions<'a> {
    RunOptions {
        store,
        control: control.clone(),
        jobs: 1,
        group: &Alone,
    }
}
