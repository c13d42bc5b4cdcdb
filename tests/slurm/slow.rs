//! Trials that take as long as a test wants, and little of the processor.

use serde_json::Value;

use crate::program::Program;

/// Where they lie.
pub const EXPERIMENT: &str = "outside/quick";

/// Two trials whose steps, one an epoch, take eight times `delay`.
pub fn run(delay: &'static str, epochs: &'static str) -> Vec<&'static str> {
    let mut arguments = vec!["run", "tests/outside/experiment.toml", "--seeds", "1"];
    let settings = ["data.images=8", "machine.threads=1", delay, epochs];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    arguments
}

/// What the trials come to, without a delay, which is part of their names.
pub fn expected(epochs: &'static str) -> Vec<(Vec<Value>, Vec<u8>)> {
    let program = Program::new();
    program.succeed(&run("augmentation.negative.delay=0", epochs));
    nameless(&program)
}

/// What trials with a delay have come to.
pub fn nameless(program: &Program) -> Vec<(Vec<Value>, Vec<u8>)> {
    let results = program.results(EXPERIMENT).into_iter();
    results
        .map(|(_, metrics, bytes)| (metrics, bytes))
        .collect()
}
