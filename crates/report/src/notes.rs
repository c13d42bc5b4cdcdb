//! The sentences below a table: what was left out, what cannot be seen.

use ablate_store::{Claim, Comparison};

use crate::effect::{Bound, Effect, Estimate};
use crate::number::{self, Unit};
use crate::pair::sides;
use crate::reading;
use crate::report::Report;
use crate::search;
use crate::summary::EnsembleSummary;

/// Everything a reader must know to read the table right, in order of weight.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let mut notes = vec![
        "Cells are mean ± standard deviation over seeds [95% Student t interval].".to_string(),
    ];
    for finding in report.findings() {
        let about = about(&finding.claim, &finding.effect);
        match report.further.is_empty() {
            true => notes.extend(about),
            false => {
                let name = reading::heading(&finding.claim.measure);
                notes.extend(about.iter().map(|note| format!("On {name}: {note}")));
            }
        }
    }
    if report.comparisons().len() > 1 {
        notes.push(format!(
            "{} p (Holm) corrects the t tests for the number of effects in the table; a verdict \
             uses its own interval, uncorrected.",
            match report.further.is_empty() {
                true => "The verdict is on the first effect.",
                false =>
                    "Each of the claim's numbers has a verdict of its own; the first is the \
                          headline.",
            }
        ));
    }
    if let Some(found) = &report.experiment.search {
        notes.extend(search::warnings(found));
    }
    notes.extend(report.figures.notes.iter().cloned());
    notes.extend(trouble(report));
    notes
}

/// How to read one effect, what was left out of it, how little it can show.
fn about(claim: &Claim, effect: &Effect) -> Vec<String> {
    let mut notes = vec![meaning(claim)];
    notes.extend(bound(effect, claim.comparison));
    notes.extend(effect.pairs.iter().filter_map(left_out));
    notes.push(power(claim, effect));
    notes
}

/// The setting: profile, data, epochs, seeds.
pub(crate) fn setting(report: &Report) -> Vec<(&'static str, String)> {
    let profile = match &*report.experiment.profile {
        "paper" => "paper".to_string(),
        other => format!("{other} (reduced: not the paper's setting)"),
    };
    let data = match &*report.setting.data {
        [] => "no trials".to_string(),
        [one] => one.clone(),
        several => format!("DIFFERS BETWEEN TRIALS: {}", several.join("; ")),
    };
    let epochs = match report.setting.epochs {
        None => "no finished trials".to_string(),
        Some((least, most)) if least == most => least.to_string(),
        Some((least, most)) => format!("{least} to {most}, by trial"),
    };
    let seeds = match &*report.setting.seeds {
        [] => "none".to_string(),
        seeds => listed(seeds),
    };
    let mut setting = vec![
        ("Profile", profile),
        ("Data", data),
        ("Epochs", epochs),
        ("Seeds", seeds),
    ];
    let precisions = &report.setting.precisions;
    if !precisions.is_empty() {
        setting.push(("Precision", precisions.join(", ")));
    }
    let environments = &report.setting.environments;
    if !environments.is_empty() {
        setting.push(("Trained by", environments.join("; ")));
    }
    setting
}

/// What an effect compares, after what is measured where a claim has several
/// numbers: `validation top-1 error (%): relu against tanh (points)`.
pub(crate) fn effect_name(report: &Report, claim: &Claim, effect: &Effect) -> String {
    match report.further.is_empty() {
        true => compared(effect),
        false => format!("{}: {}", reading::heading(&claim.measure), compared(effect)),
    }
}

/// `relu against tanh (points)`.
pub(crate) fn compared(effect: &Effect) -> String {
    let unit = match effect.unit {
        Unit::Times => "ratio",
        Unit::Points => "points",
        Unit::Epochs => "epochs",
        Unit::Percent | Unit::Plain => "difference",
    };
    format!("{} against {} ({unit})", effect.treatment, effect.baseline)
}

/// The paper's figure and its own words for it.
pub(crate) fn paper(claim: &Claim, unit: Unit) -> String {
    match (claim.paper, claim.paper_text.trim()) {
        (Some(paper), "") => number::exact(paper, unit),
        (Some(paper), text) => format!("{} ({text})", number::exact(paper, unit)),
        (None, "") => "direction only".to_string(),
        (None, text) => format!("direction only ({text})"),
    }
}

fn meaning(claim: &Claim) -> String {
    let (t, b) = (&claim.treatment, &claim.baseline);
    let (mean, effect) = match claim.comparison {
        Comparison::Ratio => ("geometric mean", format!("{b} / {t}; above 1")),
        Comparison::Multiple => ("geometric mean", format!("{t} / {b}; above 1")),
        Comparison::Points => ("mean", format!("{t} - {b}; below 0")),
        Comparison::Gain => ("mean", format!("{t} - {b}; above 0")),
    };
    format!("The effect is the {mean} over seeds of {effect} speaks for the claim.")
}

fn bound(effect: &Effect, comparison: Comparison) -> Option<String> {
    let [stronger, _] = sides(comparison);
    Some(match effect.bound {
        Bound::Exact => return None,
        Bound::AtLeast => format!(
            "The {stronger} missed the target within the budget in some pairs. Its last epoch \
             stands in for the epochs it would have taken, so the effect is at least as strong \
             as shown and its interval has no strong end."
        ),
        Bound::AtMost => format!(
            "In some pairs {}, so the effect is at most as strong as shown and the claim cannot \
             be confirmed.",
            weakened(comparison)
        ),
        Bound::Neither => "Both variants missed the target or diverged in some pairs, so nothing \
                           bounds the effect."
            .to_string(),
    })
}

/// What leaves an effect weaker than shown.
pub(crate) fn weakened(comparison: Comparison) -> &'static str {
    match comparison.claims_less() {
        true => "the treatment missed the target or diverged",
        false => "the baseline missed the target or the treatment diverged",
    }
}

fn left_out(pair: &crate::Pair) -> Option<String> {
    let without_number = pair.effect.is_none() && !pair.note.is_empty();
    let which = match pair.seeds.as_slice() {
        [seed] => format!("Seed {seed} has"),
        seeds => format!("Seeds {} have", listed(seeds)),
    };
    without_number.then(|| format!("{which} no effect, {}.", pair.note))
}

fn power(claim: &Claim, effect: &Effect) -> String {
    let n = effect.estimate.map_or(0, |estimate| estimate.n);
    let pairs = if n == 1 { "pair" } else { "pairs" };
    let detectable = |estimate: Estimate| Some((estimate, estimate.detectable?));
    let Some((estimate, detectable)) = effect.estimate.and_then(detectable) else {
        return format!("Power: {n} {pairs} do not tell how small an effect could be seen.")
            .replace("1 pair do not", "1 pair does not");
    };
    let than = if effect.unit == Unit::Times {
        "below"
    } else {
        "under"
    };
    let mut text = format!(
        "Power: with {n} {pairs} an effect {than} {} would probably go unseen (found in less \
         than 80% of such experiments).",
        number::size(detectable, effect.unit)
    );
    if let Some(paper) = claim.paper {
        let figure = number::exact(paper, effect.unit);
        match estimate.pairs_for_paper {
            Some(needed) => {
                text += &format!(" The paper's {figure} would take about {needed} seeds.");
            }
            None => text += &format!(" The paper's {figure} would take over a thousand seeds."),
        }
    }
    if let Some(p) = least_p(n) {
        text += &format!(
            " The exact test on {n} pairs cannot give p below {}.",
            number::p_value(p)
        );
    }
    text
}

/// The least p-value of the sign-flip test, where it is worth a warning.
fn least_p(n: usize) -> Option<f64> {
    (2..=5).contains(&n).then(|| 2.0 / f64::from(1_u32 << n))
}

/// What an ensemble averages, and which seeds no group has room for.
fn grouping(name: &str, ensemble: &EnsembleSummary) -> String {
    let EnsembleSummary { of, size, left } = ensemble;
    let mut text = format!(
        "{name} averages the probabilities of {size} seeds of {of} at a time; each group is \
         paired with the mean over the same seeds."
    );
    match left.as_slice() {
        [] => {}
        [seed] => text += &format!(" Seed {seed} fills no group."),
        seeds => text += &format!(" Seeds {} fill no group.", listed(seeds)),
    }
    text
}

/// `0, 1, 2`.
pub(crate) fn listed(seeds: &[u64]) -> String {
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    seeds.join(", ")
}

/// Trials without a result, and data sets that differ.
fn trouble(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    for variant in &report.variants {
        let counts = variant.counts;
        let (total, what) = match variant.ensemble {
            Some(_) => (counts.total(), "groups"),
            None => (report.setting.seeds.len(), "seeds"),
        };
        if counts.finished < total {
            notes.push(format!(
                "{}: {} of {total} {what}.",
                variant.name,
                counts.text()
            ));
        }
        if let Some(ensemble) = &variant.ensemble {
            notes.push(grouping(&variant.name, ensemble));
        }
    }
    if report.setting.data.len() > 1 {
        notes.push(
            "The trials did not all see the same data; the effect is not only the variant's."
                .to_string(),
        );
    }
    notes
}
