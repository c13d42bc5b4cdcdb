//! Draws inputs from valid ones and hands them to a reader. What a reader says
//! stands for coverage: an input with a new answer becomes one to draw from.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::guard::{Guard, Verdict};
use crate::outcomes::Outcomes;

/// Inputs a target in a plain run.
const FEW: usize = 200;

/// Inputs that are drawn from, at most.
const CORPUS: usize = 2000;

/// Changes the first input at random, perhaps with parts of the second.
pub type Change = fn(&mut Vec<u8>, &[u8], &mut ChaCha8Rng);

/// One of the files that a reader reads.
pub struct Part {
    /// What it is called in the name of an input's file.
    pub name: &'static str,
    /// Valid inputs, each of which the reader accepts.
    pub seeds: Vec<Vec<u8>>,
    /// What becomes of them.
    pub change: Change,
}

/// A reader with its limits.
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// The files it reads; an input is one of them.
    pub parts: Vec<Part>,
    /// Bytes it may take beyond what it has when an input comes.
    pub memory: usize,
    /// What of the wanted inputs it gets: a slow reader gets fewer.
    pub share: f64,
}

impl Target {
    /// Hands inputs to `read`, which takes a part's name and the input.
    ///
    /// # Panics
    /// The reader refused a valid input, or panicked at another one.
    pub fn run(&self, mut read: impl FnMut(&str, &[u8]) -> Result<(), String>) {
        let mut guard = Guard::new(self.name, self.memory);
        if let Some(file) = std::env::var_os("ABLATE_FUZZ_INPUT") {
            self.replay(&PathBuf::from(file), &mut guard, read);
            return;
        }
        let mut corpora: Vec<Vec<Vec<u8>>> = Vec::new();
        for part in &self.parts {
            for seed in &part.seeds {
                let verdict = guard.run(part.name, seed, || read(part.name, seed));
                let whole = matches!(verdict, Verdict::Accepted);
                assert!(whole, "{}.{}: a seed: {verdict:?}", self.name, part.name);
            }
            corpora.push(part.seeds.clone());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(number("ABLATE_FUZZ_SEED").unwrap_or(0));
        let mut outcomes = Outcomes::default();
        let (begun, mut shown) = (Instant::now(), Instant::now());
        let count = (number("ABLATE_FUZZ").map_or(FEW, |count| count as usize) as f64 * self.share)
            .ceil() as usize;
        for done in 0..count {
            let at = rng.random_range(0..self.parts.len());
            let (part, corpus) = (&self.parts[at], &mut corpora[at]);
            let input = draw(part, corpus, &mut rng);
            let verdict = guard.run(part.name, &input, || read(part.name, &input));
            if outcomes.is_new(part.name, &verdict) && corpus.len() < CORPUS {
                corpus.push(input);
            }
            if shown.elapsed() > Duration::from_secs(30) {
                shown = Instant::now();
                println!("{}: {} of {count}", self.name, done + 1);
            }
        }
        outcomes.show(self.name, begun.elapsed());
        assert!(outcomes.crashes().is_empty(), "{}", outcomes.crashes());
    }

    /// Runs the input in a file, if it is one of this target's.
    fn replay(
        &self,
        file: &std::path::Path,
        guard: &mut Guard,
        mut read: impl FnMut(&str, &[u8]) -> Result<(), String>,
    ) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut words = name.split('.');
        if words.next() != Some(self.name) {
            return;
        }
        let part = words.next().unwrap_or_default();
        let input = std::fs::read(file).expect("ABLATE_FUZZ_INPUT can be read");
        let verdict = guard.run(part, &input, || read(part, &input));
        println!("{name}: {verdict:?}");
        assert!(!matches!(verdict, Verdict::Panicked { .. }), "{verdict:?}");
    }
}

/// A changed input, mostly by one change and seldom by many.
fn draw(part: &Part, corpus: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    // The valid ones lead deepest.
    let from = match rng.random_bool(0.5) {
        true => &part.seeds,
        false => corpus,
    };
    let mut input = from.choose(rng).cloned().unwrap_or_default();
    let other = corpus.choose(rng).cloned().unwrap_or_default();
    loop {
        (part.change)(&mut input, &other, rng);
        if rng.random_bool(0.6) {
            return input;
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}: `{text}` is no number")),
    )
}
