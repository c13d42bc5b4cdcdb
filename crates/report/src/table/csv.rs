//! The table as comma-separated values (RFC 4180), one row a variant.
//!
//! Errors are fractions as stored, not percent. The `effect` columns hold the
//! treatment against the row's variant in the unit of the comparison, so they
//! are empty in the treatment's own row. Those of a claim's further numbers have
//! the measure before their names. A number that is not known is empty.

use ablate_store::Claim;

use crate::effect::Effect;
use crate::number::rounded;
use crate::reading::{self, Reading};
use crate::report::Report;
use crate::statistics::Interval;
use crate::summary::{Role, VariantSummary};
use crate::verdict::Judgement;

/// The columns of one effect.
const EFFECT: [&str; 10] = [
    "effect",
    "effect_low",
    "effect_high",
    "pairs",
    "d_z",
    "p_t",
    "p_permutation",
    "p_holm",
    "paper",
    "verdict",
];

pub(crate) fn render(report: &Report) -> String {
    let mut header = vec!["variant".to_string(), "role".to_string()];
    if let Some(variant) = report.variants.first() {
        header.extend(variant.counts.named().map(|(name, _)| name.to_string()));
        for reading in &variant.readings {
            let key = reading::key(&reading.measure);
            let columns = ["n", "mean", "sd", "low", "high", "more_than"];
            header.extend(columns.map(|column| format!("{key}_{column}")));
        }
    }
    header.extend(
        [
            "parameters",
            "images_per_second",
            "exchanged_bytes_per_step",
        ]
        .map(String::from),
    );
    header.extend(EFFECT.map(String::from));
    for finding in &report.further {
        let key = reading::key(&finding.claim.measure);
        header.extend(EFFECT.map(|column| format!("{key}_{column}")));
    }
    let mut text = line(&header);
    text.extend(
        report
            .variants
            .iter()
            .map(|variant| line(&row(report, variant))),
    );
    text
}

fn row(report: &Report, variant: &VariantSummary) -> Vec<String> {
    let mut row = vec![variant.name.clone(), variant.role.label().to_string()];
    row.extend(variant.counts.named().map(|(_, count)| count.to_string()));
    row.extend(variant.readings.iter().flat_map(values));
    row.push(match variant.parameters {
        Some((least, most)) if least == most => least.to_string(),
        _ => String::new(),
    });
    row.push(number(variant.images_per_second));
    row.push(number(variant.exchanged));
    let against =
        |effect: &&Effect| effect.baseline == variant.name && effect.treatment != variant.name;
    let claimed = |claim: &Claim, judgement: &Judgement| match variant.role {
        Role::Baseline => [number(claim.paper), judgement.verdict.key().to_string()],
        _ => [String::new(), String::new()],
    };
    row.extend(effect_values(report.effects().find(against)));
    row.extend(claimed(&report.headline.claim, &report.headline.judgement));
    for finding in &report.further {
        row.extend(effect_values(Some(&finding.effect).filter(against)));
        row.extend(claimed(&finding.claim, &finding.judgement));
    }
    row
}

fn values(reading: &Reading) -> [String; 6] {
    let sample = reading.sample();
    let [low, high] = ends(sample.and_then(|s| s.interval));
    [
        (reading.seen.len() + reading.more_than.len()).to_string(),
        number(sample.map(|s| s.mean)),
        number(sample.and_then(|s| s.sd)),
        low,
        high,
        number(reading.lower_bound()),
    ]
}

fn effect_values(effect: Option<&Effect>) -> [String; 8] {
    let Some(effect) = effect else {
        return std::array::from_fn(|_| String::new());
    };
    let estimate = effect.estimate;
    let [low, high] = ends(estimate.and_then(|e| e.interval));
    [
        number(estimate.map(|e| e.value)),
        low,
        high,
        estimate.map_or(0, |e| e.n).to_string(),
        number(estimate.and_then(|e| e.d_z)),
        number(estimate.and_then(|e| e.p_t)),
        number(estimate.and_then(|e| e.p_permutation)),
        number(effect.p_holm),
    ]
}

fn ends(interval: Option<Interval>) -> [String; 2] {
    [
        number(interval.map(|i| i.low)),
        number(interval.map(|i| i.high)),
    ]
}

fn number(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => rounded(value, 6).to_string(),
        None => String::new(),
    }
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quote(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn quote(cell: &str) -> String {
    match cell.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_as_rfc_4180_says() {
        let cells = ["plain", "a,b", "say \"no\"", "two\nlines", ""].map(String::from);
        assert_eq!(
            line(&cells),
            "plain,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\r\n"
        );
    }
}
