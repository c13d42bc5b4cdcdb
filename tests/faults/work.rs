//! Small experiments to disturb, and what they end with when nothing does.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::program::{Program, Results};

/// Of every trial.
const EPOCHS: usize = 2;

/// An experiment with a checkpoint after every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Two trials of a convolutional net: most of the time it trains.
    Training,
    /// Six trials of a tiny one: most of the time it begins and ends trials.
    Trials,
}

impl Work {
    /// The command's arguments; `command` is `run` or `report`.
    pub fn arguments(self, command: &'static str) -> Vec<&'static str> {
        let experiment: &[&str] = match self {
            Self::Training => &["experiments/lrn.toml", "--profile", "ci", "--seeds", "1"],
            Self::Trials => &[
                "tests/outside/experiment.toml",
                "--set",
                "training.epochs=2",
            ],
        };
        let small = [
            "--set",
            "machine.checkpoint_minutes=0",
            "--set",
            "evaluation.samples=10",
            "--set",
            "evaluation.gallery=10",
        ];
        [&[command], experiment, &small].concat()
    }

    /// Runs it.
    pub fn run(self) -> Vec<&'static str> {
        self.arguments("run")
    }

    /// How many trials it has.
    pub fn trials(self) -> usize {
        match self {
            Self::Training => 2,
            Self::Trials => 6,
        }
    }

    /// The folder of its trials in a store.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Training => "lrn/ci",
            Self::Trials => "outside/quick",
        }
    }

    /// What it ends with undisturbed.
    pub fn expected(self) -> Results {
        static KNOWN: Mutex<Option<HashMap<Work, Results>>> = Mutex::new(None);
        // Held while it trains, so that other tests wait instead of training it too.
        let mut known = KNOWN.lock().unwrap_or_else(|poison| poison.into_inner());
        let known = known.get_or_insert_default();
        let train = || {
            let program = Program::new();
            program.succeed(&self.run());
            let results = program.results(self.folder());
            assert_eq!(results.len(), self.trials());
            for (name, metrics, bytes) in &results {
                assert_eq!(metrics.len(), EPOCHS, "{name}");
                assert!(!bytes.is_empty(), "{name}");
            }
            results
        };
        known.entry(self).or_insert_with(train).clone()
    }

    /// Holds what a store ends with against an undisturbed run's.
    pub fn check(self, program: &Program, after: &str) {
        let (found, expected) = (program.results(self.folder()), self.expected());
        assert_eq!(found.len(), expected.len(), "{after}: trials");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.0, expected.0, "{after}");
            assert_eq!(found.1, expected.1, "{after}: metrics of {}", found.0);
            assert!(
                found.2 == expected.2,
                "{after}: weights or outputs of {}",
                found.0
            );
        }
    }
}
