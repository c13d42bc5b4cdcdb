//! The report for programs.

use ablate_store::Censored;
use serde_json::{Map, Value, json};

use crate::effect::{Bound, Effect};
use crate::figures::Summary;
use crate::number::{self, Unit};
use crate::reading::{self, Reading};
use crate::report::{Finding, Report};
use crate::statistics::Interval;
use crate::summary::VariantSummary;
use crate::verdict::Verdict;

/// Digits that every number keeps, so that a last-bit difference between
/// machines does not change the file.
const DIGITS: usize = 6;

pub(crate) fn render(report: &Report) -> String {
    let experiment = &report.experiment;
    let mut value = json!({
        "format": 1,
        "experiment": experiment.name,
        "title": experiment.title,
        "profile": experiment.profile,
        "claim": experiment.claim,
        "verdict": report.verdict().key(),
        "reason": report.headline.judgement.reason,
        "rule": Verdict::RULE,
        "data": report.setting.data,
        "seeds": report.setting.seeds,
        "epochs": report.setting.epochs,
        "search": experiment.search,
        "variants": report.variants.iter().map(variant).collect::<Vec<_>>(),
        "effects": report.effects().map(effect).collect::<Vec<_>>(),
        "further": report.further.iter().map(finding).collect::<Vec<_>>(),
        "figures": report.figures().iter().map(|figure| figure.name).collect::<Vec<_>>(),
        "retrieval": report.figures.retrieval.as_ref().map(retrieval),
    });
    pin(&mut value);
    format!("{value:#}\n")
}

fn retrieval(summary: &Summary) -> Value {
    let shares = &summary.first;
    let features = summary.features.iter().map(|(name, sample)| {
        let sample = json!({
            "mean": sample.mean,
            "sd": sample.sd,
            "interval": sample.interval.map(interval),
        });
        (name.clone(), sample)
    });
    json!({
        "nearest": shares.found,
        "queries": shares.queries,
        "gallery": shares.gallery,
        "features": features.collect::<Map<_, _>>(),
        "pixels": shares.pixels,
        "chance": shares.chance,
    })
}

fn variant(variant: &VariantSummary) -> Value {
    let trials: Map<String, Value> = variant
        .counts
        .named()
        .into_iter()
        .map(|(name, count)| (name.to_string(), count.into()))
        .collect();
    let measures: Map<String, Value> = variant
        .readings
        .iter()
        .map(|reading| (reading::key(&reading.measure), measure(reading)))
        .collect();
    json!({
        "name": variant.name,
        "role": variant.role.label(),
        "changes": variant.changes,
        "trials": trials,
        "measures": measures,
        "parameters": variant.parameters,
        "images_per_second": variant.images_per_second,
        "exchanged_bytes_per_step": variant.exchanged,
    })
}

fn measure(reading: &Reading) -> Value {
    let sample = reading.sample();
    json!({
        "seen": reading.seen,
        "more_than": reading.more_than,
        "mean": sample.map(|s| s.mean),
        "sd": sample.and_then(|s| s.sd),
        "interval": sample.and_then(|s| s.interval).map(interval),
        "mean_more_than": reading.lower_bound(),
    })
}

fn effect(effect: &Effect) -> Value {
    let estimate = effect.estimate;
    let pairs = effect.pairs.iter().map(|pair| {
        json!({
            "seeds": pair.seeds,
            "baseline": censored(pair.baseline),
            "treatment": censored(pair.treatment),
            "effect": pair.effect,
            "note": pair.note,
        })
    });
    json!({
        "treatment": effect.treatment,
        "baseline": effect.baseline,
        "unit": unit(effect.unit),
        "bound": bound(effect.bound),
        "n": estimate.map_or(0, |e| e.n),
        "value": estimate.map(|e| e.value),
        "interval": estimate.and_then(|e| e.interval).map(interval),
        "d_z": estimate.and_then(|e| e.d_z),
        "p_t": estimate.and_then(|e| e.p_t),
        "p_permutation": estimate.and_then(|e| e.p_permutation),
        "p_holm": effect.p_holm,
        "detectable": estimate.and_then(|e| e.detectable),
        "pairs_for_paper": estimate.and_then(|e| e.pairs_for_paper),
        "pairs": pairs.collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "measure": reading::key(&finding.claim.measure),
        "verdict": finding.judgement.verdict.key(),
        "reason": finding.judgement.reason,
        "effect": effect(&finding.effect),
    })
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "percent",
        Unit::Points => "points",
        Unit::Epochs => "epochs",
        Unit::Times => "ratio",
        Unit::Plain => "difference",
    }
}

fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Exact => "exact",
        Bound::AtLeast => "at_least",
        Bound::AtMost => "at_most",
        Bound::Neither => "neither",
    }
}

/// A value, `{"more_than": bound}`, or null.
fn censored(value: Censored) -> Value {
    match value {
        Censored::Seen(value) => json!(value),
        Censored::MoreThan(bound) => json!({ "more_than": bound }),
        Censored::Missing => Value::Null,
    }
}

/// Both ends; an open one is null, as JSON has no infinity.
fn interval(interval: Interval) -> Value {
    json!([interval.low, interval.high])
}

/// Rounds every fractional number to [`DIGITS`] significant digits.
fn pin(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(exact) = number.as_f64().filter(|_| number.is_f64()) {
                *value = json!(number::rounded(exact, DIGITS));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(pin),
        Value::Object(values) => values.values_mut().for_each(pin),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_pinned_and_infinities_are_null() {
        let mut value =
            json!({ "a": [0.1 + 0.2, 7], "b": interval(Interval::new(1.0, f64::INFINITY)) });
        pin(&mut value);
        assert_eq!(value.to_string(), r#"{"a":[0.3,7],"b":[1.0,null]}"#);
    }
}
