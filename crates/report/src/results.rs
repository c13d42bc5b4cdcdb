//! One page over the reports of many experiments: `RESULTS.md`.
//!
//! What the page says of each experiment is kept beside it as `results/NAME.json`,
//! so that running one again renews its rows and leaves the others.

use std::fmt::Write;

use ablate_store::Measure;
use serde::{Deserialize, Serialize};

use crate::notes;
use crate::report::Report;
use crate::table::markdown::escape;
use crate::verdict::Verdict;

/// One experiment on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of this layout.
    format: u32,
    /// The experiment's name: its pictures are `results/NAME.svg`, the curves, and
    /// `results/NAME-FIGURE.svg`.
    pub name: String,
    /// Where the paper makes the claim; the page is in this order.
    section: String,
    /// A row of the table a number of the claim, cell by cell.
    rows: Vec<[String; 6]>,
    /// The pictures besides the curves: name and what it shows.
    pub figures: Vec<(String, String)>,
    /// What is said below the table, in Markdown.
    text: String,
    /// The command that runs it.
    command: String,
}

/// The layout written and read.
const FORMAT: u32 = 1;

impl Entry {
    /// What the page says of a report: `command` made it, and `failure` says in words
    /// which trials failed.
    pub fn new(report: &Report, command: &str, failure: Option<&str>) -> Self {
        let experiment = &report.experiment;
        let shown = claim_figures(&experiment.claim.measure);
        let figures = report.figures().iter();
        Self {
            format: FORMAT,
            name: experiment.name.clone(),
            section: experiment.claim.section.clone(),
            rows: rows(report),
            figures: figures
                .filter(|figure| shown.contains(&figure.name))
                .map(|figure| (figure.name.to_string(), figure.title.to_string()))
                .collect(),
            text: text(report, failure),
            command: command.to_string(),
        }
    }

    /// An experiment that gave no report, and never has.
    pub fn broken(name: &str, command: &str, problem: &str) -> Self {
        let first = problem.lines().next().unwrap_or_default();
        let dash = || "-".to_string();
        Self {
            format: FORMAT,
            name: name.to_string(),
            section: String::new(),
            rows: vec![[
                escape(name),
                dash(),
                dash(),
                dash(),
                format!("not run: {}", escape(first)),
                dash(),
            ]],
            figures: Vec::new(),
            text: format!("    {}\n", problem.replace('\n', "\n    ")),
            command: command.to_string(),
        }
    }

    /// Whether the experiment gave no report, and never has.
    pub fn is_broken(&self) -> bool {
        self.section.is_empty()
    }

    /// The entry as its file holds it.
    ///
    /// # Errors
    /// Never, short of a bug in the JSON library.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// Why it is no entry, or one of another layout.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let entry: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match entry.format {
            FORMAT => Ok(entry),
            other => Err(format!("its layout is version {other}, not {FORMAT}")),
        }
    }
}

/// The figures that are about what is measured.
fn claim_figures(measure: &Measure) -> &'static [&'static str] {
    match measure {
        Measure::TowerChromaGap => &["filters", "chroma"],
        Measure::RetrievalShare => &["retrieval"],
        _ => &[],
    }
}

/// A file's name as a link takes it.
fn link(name: &str) -> String {
    let mut link = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'-' | b'.' | b'_' => link.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => link.push(byte.into()),
            byte => {
                let _ = write!(link, "%{byte:02X}");
            }
        }
    }
    link
}

/// What GitHub calls the section of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    let heading = heading.to_lowercase();
    heading
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

/// The page: a row a number of each claim, then a section an experiment, both in
/// the order of the paper; `notes` gives what was written by hand of one.
pub fn results(entries: &[Entry], notes: impl Fn(&str) -> String) -> String {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|entry| (&entry.section, &entry.name));
    let mut page = String::from(
        "# Results\n\nWritten by `cargo xtask reproduce`; the paragraphs below the curves are \
         kept from `results/NAME.md`. A verdict is about the data and the profile named beside \
         it: a reduced setting that shows no effect does not refute the paper.\n\n\
         | claim | section | paper | ours [95% interval] | verdict | profile, seeds | curves |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for entry in &entries {
        for cells in &entry.rows {
            let curves = match entry.is_broken() {
                true => "-".to_string(),
                false => format!("[curves](results/{}.svg)", link(&entry.name)),
            };
            let _ = writeln!(page, "| {} | {curves} |", cells.join(" | "));
        }
    }
    for entry in &entries {
        let _ = write!(page, "\n## {}\n\n{}\n", escape(&entry.name), entry.text);
        let file = link(&entry.name);
        for (figure, title) in &entry.figures {
            let _ = write!(page, "![{title}](results/{file}-{figure}.svg)\n\n");
        }
        let notes = notes(&entry.name);
        if !notes.trim().is_empty() {
            let _ = write!(page, "{}\n\n", notes.trim());
        }
        let _ = writeln!(page, "    {}", entry.command);
    }
    let _ = write!(page, "\n## The rule\n\n{}\n", escape(Verdict::RULE));
    page
}

/// One row a number that the claim is about.
fn rows(report: &Report) -> Vec<[String; 6]> {
    let experiment = &report.experiment;
    let setting = format!("{}, {}", experiment.profile, report.setting.seeds.len());
    let comparisons = report.comparisons().into_iter();
    let row = |(claim, effect, judgement): (_, &crate::Effect, Option<&crate::Judgement>)| {
        Some([
            format!(
                "[{}](#{}): {}",
                escape(&experiment.title),
                anchor(&experiment.name),
                escape(&notes::effect_name(report, claim, effect)),
            ),
            escape(&experiment.claim.section),
            escape(&notes::paper(claim, effect.unit)),
            escape(&effect.text()),
            judgement?.verdict.to_string(),
            escape(&setting),
        ])
    };
    comparisons.filter_map(row).collect()
}

fn text(report: &Report, failure: Option<&str>) -> String {
    let experiment = &report.experiment;
    let mut text = format!("> {}\n\n", escape(&experiment.claim.text));
    for (what, finding) in report.verdicts() {
        let judgement = &finding.judgement;
        let (verdict, reason) = (judgement.verdict, escape(&judgement.reason));
        let _ = write!(text, "**{}: {verdict}.** {reason}\n\n", escape(&what));
    }
    if let Some(failure) = failure {
        let _ = write!(text, "**{}.**\n\n", escape(failure));
    }
    for (name, value) in notes::setting(report) {
        let _ = writeln!(text, "- {name}: {}", escape(&value));
    }
    let curves = link(&experiment.name);
    let _ = write!(text, "\n![Learning curves](results/{curves}.svg)\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{curve, experiment};

    const COMMAND: &str = "cargo xtask run experiments/relu_vs_tanh.toml";

    fn report() -> Report {
        let trials: Vec<_> = (0..3)
            .flat_map(|seed| {
                [
                    curve("relu", seed, 20, 2.0, 0.0),
                    curve("tanh", seed, 20, 8.0, 0.0),
                ]
            })
            .collect();
        Report::new(&experiment(), &trials).expect("a report")
    }

    fn page(entries: &[Entry]) -> String {
        results(entries, |name| match name {
            "relu_vs_tanh" => "By hand.\n".to_string(),
            _ => String::new(),
        })
    }

    #[test]
    fn the_page_says_what_was_multiplied_in() {
        let trial = |variant, seed, lasts| {
            let mut trial = curve(variant, seed, 20, lasts, 0.0);
            trial.config = serde_json::json!({ "training": { "precision": "bf16" } });
            trial
        };
        let trials: Vec<_> = (0..3)
            .flat_map(|seed| [trial("relu", seed, 2.0), trial("tanh", seed, 9.0)])
            .collect();
        let report = Report::new(&experiment(), &trials).expect("a report");
        let page = results(&[Entry::new(&report, COMMAND, None)], |_| String::new());
        assert!(page.contains("\n- Precision: bf16\n"), "{page}");
    }

    #[test]
    fn a_row_holds_figure_effect_and_verdict_and_notes_are_kept() {
        let report = report();
        let entry = Entry::new(&report, COMMAND, None);
        let page = page(&[entry]);
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
        for part in [
            "\nBy hand.\n",
            "made-up data",
            "\n    cargo xtask run",
            "Trained by: ablate 9, 1 cores",
            "\n## relu\\_vs\\_tanh\n",
        ] {
            assert!(page.contains(part), "`{part}` is not in:\n{page}");
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = Entry::new(&report(), COMMAND, Some("one trial failed"));
        let text = entry.to_json().expect("JSON");
        assert_eq!(Entry::from_json(&text), Ok(entry));
        let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
        let error = Entry::from_json(&newer).expect_err("another layout");
        assert!(error.contains("version 2"), "{error}");
        assert!(Entry::from_json(&text[..text.len() / 2]).is_err());
    }

    #[test]
    fn the_order_is_the_papers() {
        let mut early = Entry::new(&report(), COMMAND, None);
        let mut late = early.clone();
        early.name = "zebra".to_string();
        late.section = "6.1".to_string();
        let page = page(&[late, early]);
        assert!(
            page.find("## zebra") < page.find("## relu\\_vs\\_tanh"),
            "{page}"
        );
    }

    #[test]
    fn any_name_is_linked_to() {
        let mut experiment = experiment();
        experiment.name = "My (net) #2".to_string();
        let report = Report::new(&experiment, &[]).expect("a report");
        let page = page(&[Entry::new(&report, COMMAND, None)]);
        for part in [
            "(#my-net-2)",
            "[curves](results/My%20%28net%29%20%232.svg)",
            "![Learning curves](results/My%20%28net%29%20%232.svg)",
            "\n## My (net) \\#2\n",
        ] {
            assert!(page.contains(part), "`{part}` is not in:\n{page}");
        }
    }

    #[test]
    fn a_broken_experiment_is_told() {
        let entry = Entry::broken("absent", COMMAND, "no data\n  fix: fetch it");
        let page = page(&[entry]);
        assert!(page.contains("| not run: no data | - | - |"), "{page}");
        assert!(page.contains("\n      fix: fetch it\n"), "{page}");
    }
}
