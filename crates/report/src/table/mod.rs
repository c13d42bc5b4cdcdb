//! The tables of a report as rows of text, and their renderings.

pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod latex;
pub(crate) mod markdown;

use ablate_store::Claim;

use crate::effect::Effect;
use crate::number;
use crate::report::Report;
use crate::summary::VariantSummary;
use crate::verdict::Judgement;
use crate::{notes, reading};

/// A heading and rows of the same length.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// One row a variant.
pub(crate) fn variants(report: &Report) -> Table {
    let measured = report.variants.first().map_or(&[][..], |v| &v.readings);
    let mut header = vec!["variant".to_string(), "trials".to_string()];
    header.extend(measured.iter().map(|r| reading::heading(&r.measure)));
    header.extend(["parameters".to_string(), "images/s".to_string()]);
    let mut rows: Vec<_> = report.variants.iter().map(variant).collect();
    if report.variants.iter().any(|v| v.exchanged.is_some()) {
        header.push("MiB/step".to_string());
        for (row, summary) in rows.iter_mut().zip(&report.variants) {
            row.push(summary.exchanged.map_or("-".to_string(), number::mebibytes));
        }
    }
    Table { header, rows }
}

fn variant(summary: &VariantSummary) -> Vec<String> {
    let mut row = vec![summary.title(), summary.counts.text()];
    row.extend(summary.readings.iter().map(reading::Reading::text));
    row.push(match summary.parameters {
        None => "-".to_string(),
        Some((least, most)) if least == most => number::count(least),
        Some((least, most)) => format!("{} to {}", number::count(least), number::count(most)),
    });
    let speed = summary.images_per_second;
    row.push(speed.map_or("-".to_string(), number::rate));
    row
}

/// One row a comparison, the claim's first, the paper's figure beside it.
pub(crate) fn effects(report: &Report) -> Table {
    let comparisons = report.comparisons();
    let several = comparisons.len() > 1;
    let mut header = vec!["effect"];
    if !report.further.is_empty() {
        header.push("on");
    }
    header.extend(["ours [95% interval]", "paper", "verdict", "pairs", "d_z"]);
    header.extend(["p (t test)", "p (exact)"]);
    if several {
        header.push("p (Holm)");
    }
    let p = |p: Option<f64>| p.map_or("-".to_string(), number::p_value);
    let row = |(claim, effect, judgement): &(&Claim, &Effect, Option<&Judgement>)| {
        let claimed = |text: String| match judgement {
            Some(_) => text,
            None => "-".to_string(),
        };
        let verdict = judgement.map_or("-", |judgement| judgement.verdict.label());
        let estimate = effect.estimate;
        let d_z = estimate.and_then(|e| e.d_z);
        let mut row = vec![notes::compared(effect)];
        if !report.further.is_empty() {
            row.push(reading::heading(&claim.measure));
        }
        row.extend([
            effect.text(),
            claimed(notes::paper(claim, effect.unit)),
            verdict.to_string(),
            estimate.map_or(0, |e| e.n).to_string(),
            d_z.map_or("-".to_string(), |d| {
                number::estimate(d, None, number::Unit::Plain)
            }),
            p(estimate.and_then(|e| e.p_t)),
            p(estimate.and_then(|e| e.p_permutation)),
        ]);
        if several {
            row.push(p(effect.p_holm));
        }
        row
    };
    Table {
        rows: comparisons.iter().map(row).collect(),
        header: header.into_iter().map(String::from).collect(),
    }
}

/// What each variant changes.
pub(crate) fn changes(report: &Report) -> Table {
    let mut rows = Vec::new();
    for variant in &report.variants {
        if variant.changes.is_empty() {
            rows.push(vec![
                variant.name.clone(),
                "(nothing)".to_string(),
                String::new(),
            ]);
        }
        for (key, value) in &variant.changes {
            rows.push(vec![variant.name.clone(), key.clone(), value.to_string()]);
        }
    }
    Table {
        header: ["variant", "key", "value"].map(String::from).to_vec(),
        rows,
    }
}
