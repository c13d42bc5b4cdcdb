//! The report for people.

use crate::figures::Figure;
use crate::notes;
use crate::report::Report;
use crate::search;
use crate::table::{self, markdown};
use crate::verdict::Verdict;

pub(crate) fn render(report: &Report) -> String {
    let escape = markdown::escape;
    let claim = &report.experiment.claim;
    let setting: String = notes::setting(report)
        .iter()
        .map(|(name, value)| format!("- {name}: {}\n", escape(value)))
        .collect();
    let listed: String = notes::notes(report)
        .iter()
        .map(|note| format!("- {}\n", escape(note)))
        .collect();
    [
        format!("# {}\n", escape(&report.experiment.title)),
        format!(
            "> {} (section {})\n",
            escape(&claim.text),
            escape(&claim.section)
        ),
        report
            .verdicts()
            .map(|(name, finding)| {
                let judgement = &finding.judgement;
                let reason = escape(&judgement.reason);
                format!("**{}: {}.** {reason}\n", escape(&name), judgement.verdict)
            })
            .collect::<Vec<_>>()
            .join("\n"),
        setting,
        "## Effect\n".to_string(),
        markdown::render(&table::effects(report)),
        "## Variants\n".to_string(),
        markdown::render(&table::variants(report)),
        listed,
        "![Learning curves](curves.svg)\n".to_string(),
        format!("{}\n", escape(&report.curves.caption)),
        figures(report),
        confused(report),
        searched(report),
        "## What differs\n".to_string(),
        markdown::render(&table::changes(report)),
        "## Rule\n".to_string(),
        format!("{}\n", escape(Verdict::RULE)),
    ]
    .join("\n")
}

/// The search, where there was one.
fn searched(report: &Report) -> String {
    let Some(found) = &report.experiment.search else {
        return String::new();
    };
    format!(
        "## Search\n\n{}\n\n{}",
        markdown::escape(&search::caption(found)),
        markdown::render(&search::table(found))
    )
}

/// The figures, each above its caption.
fn figures(report: &Report) -> String {
    let figure = |figure: &Figure| {
        format!(
            "![{}]({}.svg)\n\n{}\n",
            figure.title,
            figure.name,
            markdown::escape(&figure.caption)
        )
    };
    let figures: Vec<String> = report.figures().iter().map(figure).collect();
    match figures.is_empty() {
        true => String::new(),
        false => format!("## What was learned\n\n{}", figures.join("\n")),
    }
}

/// The classes most often taken for another, where no picture shows them.
fn confused(report: &Report) -> String {
    let Some(table) = &report.figures.confused else {
        return String::new();
    };
    format!("## Most confused classes\n\n{}", markdown::render(table))
}
