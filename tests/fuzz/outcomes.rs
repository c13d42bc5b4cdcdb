//! What a reader answered, and which answers are new.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::time::Duration;

use crate::guard::Verdict;

/// The answers of one target.
#[derive(Default)]
pub struct Outcomes {
    inputs: usize,
    accepted: usize,
    kinds: HashSet<String>,
    /// The place of a panic, and how many inputs led there.
    crashes: BTreeMap<String, (usize, String)>,
}

impl Outcomes {
    /// Takes note of an answer; whether there was none like it.
    pub fn is_new(&mut self, part: &str, verdict: &Verdict) -> bool {
        self.inputs += 1;
        match verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                false
            }
            Verdict::Refused(error) => self.kinds.insert(format!("{part} {}", kind(error))),
            Verdict::Panicked { place, file } => {
                let file = file.display().to_string();
                self.crashes.entry(place.clone()).or_insert((0, file)).0 += 1;
                false
            }
        }
    }

    /// Prints a line.
    pub fn show(&self, target: &str, took: Duration) {
        println!(
            "{target}: {} inputs in {:.1} s, {} accepted, {} kinds of refusal, {} panics",
            self.inputs,
            took.as_secs_f64(),
            self.accepted,
            self.kinds.len(),
            self.crashes.len()
        );
        if std::env::var_os("ABLATE_FUZZ_SHOW").is_some() {
            let mut kinds: Vec<&String> = self.kinds.iter().collect();
            kinds.sort();
            kinds.iter().for_each(|kind| println!("    {kind}"));
        }
    }

    /// The panics, a line each.
    pub fn crashes(&self) -> String {
        let line = |(place, (count, file)): (&String, &(usize, String))| {
            format!("{count} inputs panicked at {place}\n  such as {file}\n")
        };
        self.crashes.iter().map(line).collect()
    }
}

/// An error without what varies: numbers, and what is quoted.
fn kind(error: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for symbol in error.chars().take(400) {
        if symbol == '`' {
            quoted = !quoted;
        } else if !quoted && !symbol.is_ascii_digit() {
            kind.push(symbol);
        }
    }
    kind
}
