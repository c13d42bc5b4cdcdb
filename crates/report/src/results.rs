//! One page over the reports of many experiments: `RESULTS.md`.

use std::fmt::Write;

use crate::notes;
use crate::report::Report;
use crate::table::markdown::escape;
use crate::verdict::Verdict;

/// One experiment on the page.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The experiment's name; its picture is `results/NAME.svg`.
    pub name: String,
    /// The command that runs it.
    pub command: String,
    /// What was written by hand of it, in Markdown: where a claim fails, what was
    /// tried.
    pub notes: String,
    /// How it ended.
    pub ending: Ending,
}

/// How an experiment ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// With a report.
    Reported {
        /// The report.
        report: Box<Report>,
        /// Which trials failed, in words.
        failure: Option<String>,
    },
    /// Without one.
    Broken {
        /// What the error said.
        problem: String,
    },
}

impl Entry {
    /// Whether anything failed that running it again may mend.
    pub fn has_failed(&self) -> bool {
        !matches!(&self.ending, Ending::Reported { failure: None, .. })
    }
}

/// The page: a row a number of each claim, then a section an experiment.
pub fn results(entries: &[Entry]) -> String {
    let mut page = String::from(
        "# Results\n\nWritten by `cargo xtask reproduce`; the paragraphs below the curves are \
         kept from `results/NAME.md`. A verdict is about the data and the profile named beside \
         it: a reduced setting that shows no effect does not refute the paper.\n\n\
         | claim | section | paper | ours [95% interval] | verdict | profile, seeds | curves |\n\
         |---|---|---|---|---|---|---|\n",
    );
    page.extend(entries.iter().map(rows));
    page.extend(entries.iter().map(section));
    let _ = write!(page, "\n## The rule\n\n{}\n", escape(Verdict::RULE));
    page
}

fn rows(entry: &Entry) -> String {
    match &entry.ending {
        Ending::Broken { problem } => format!(
            "| {} | - | - | - | not run: {} | - | - |\n",
            escape(&entry.name),
            escape(problem.lines().next().unwrap_or_default())
        ),
        Ending::Reported { report, .. } => numbers(entry, report),
    }
}

/// One row a number that the claim is about.
fn numbers(entry: &Entry, report: &Report) -> String {
    let experiment = &report.experiment;
    let setting = format!("{}, {}", experiment.profile, report.setting.seeds.len());
    let mut rows = String::new();
    for (claim, effect, judgement) in report.comparisons() {
        let Some(judgement) = judgement else {
            continue;
        };
        let _ = writeln!(
            rows,
            "| [{}](#{}): {} | {} | {} | {} | {} | {} | [curves](results/{}.svg) |",
            escape(&experiment.title),
            entry.name,
            escape(&notes::effect_name(report, claim, effect)),
            escape(&claim.section),
            escape(&notes::paper(claim, effect.unit)),
            escape(&effect.text()),
            judgement.verdict,
            escape(&setting),
            entry.name,
        );
    }
    rows
}

fn section(entry: &Entry) -> String {
    let mut text = format!("\n## {}\n\n", entry.name);
    match &entry.ending {
        Ending::Broken { problem } => {
            let _ = write!(text, "    {}\n\n", problem.replace('\n', "\n    "));
        }
        Ending::Reported { report, failure } => {
            let claim = &report.experiment.claim;
            let _ = write!(text, "> {}\n\n", escape(&claim.text));
            for (what, judgement) in report.verdicts() {
                let (verdict, reason) = (judgement.verdict, escape(&judgement.reason));
                let _ = write!(text, "**{}: {verdict}.** {reason}\n\n", escape(&what));
            }
            if let Some(failure) = failure {
                let _ = write!(text, "**{}.**\n\n", escape(failure));
            }
            for (name, value) in notes::setting(report) {
                let _ = writeln!(text, "- {name}: {}", escape(&value));
            }
            let _ = write!(
                text,
                "\n![Error rate against epochs](results/{}.svg)\n\n",
                entry.name
            );
        }
    }
    if !entry.notes.trim().is_empty() {
        let _ = write!(text, "{}\n\n", entry.notes.trim());
    }
    let _ = writeln!(text, "    {}", entry.command);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{curve, experiment};

    fn entry(ending: Ending) -> Entry {
        Entry {
            name: "relu_vs_tanh".to_string(),
            command: "cargo xtask run experiments/relu_vs_tanh.toml".to_string(),
            notes: "By hand.\n".to_string(),
            ending,
        }
    }

    #[test]
    fn a_row_holds_figure_effect_and_verdict_and_notes_are_kept() {
        let trials: Vec<_> = (0..3)
            .flat_map(|seed| {
                [
                    curve("relu", seed, 20, 2.0, 0.0),
                    curve("tanh", seed, 20, 8.0, 0.0),
                ]
            })
            .collect();
        let report = Report::new(&experiment(), &trials).expect("a report");
        let entry = entry(Ending::Reported {
            report: Box::new(report.clone()),
            failure: None,
        });
        assert!(!entry.has_failed());
        let page = results(&[entry]);
        let row = page
            .lines()
            .find(|line| line.starts_with("| [ReLU"))
            .expect("a row");
        for part in [
            "(#relu_vs_tanh)",
            "6x",
            report.verdict().label(),
            "quick, 3",
            "results/relu_vs_tanh.svg",
        ] {
            assert!(row.contains(part), "`{part}` is not in {row}");
        }
        for part in ["By hand.", "made-up data", "    cargo xtask run"] {
            assert!(page.contains(part), "`{part}` is not in:\n{page}");
        }
    }

    #[test]
    fn a_broken_experiment_is_told() {
        let entry = entry(Ending::Broken {
            problem: "no data\n  fix: fetch it".to_string(),
        });
        assert!(entry.has_failed());
        let page = results(&[entry]);
        assert!(page.contains("| not run: no data |"), "{page}");
        assert!(page.contains("      fix: fetch it"), "{page}");
    }
}
