//! Every way to a verdict.

use ablate_store::Comparison;

use super::*;
use crate::effect::Estimate;
use crate::fixture::experiment;

const OPEN: f64 = f64::INFINITY;

fn claim(comparison: Comparison, paper: Option<f64>) -> Claim {
    Claim {
        comparison,
        paper,
        ..experiment().claim
    }
}

fn effect(unit: Unit, bound: Bound, n: usize, interval: Option<(f64, f64)>) -> Effect {
    let estimate = Estimate {
        n,
        value: 2.0,
        interval: interval.map(|(low, high)| Interval::new(low, high)),
        spread: true,
        d_z: None,
        p_t: None,
        p_permutation: None,
        detectable: None,
        pairs_for_paper: None,
    };
    Effect {
        treatment: "relu".to_string(),
        baseline: "tanh".to_string(),
        unit,
        pairs: Vec::new(),
        estimate: (n > 0).then_some(estimate),
        bound,
        p_holm: None,
    }
}

fn ratio(paper: Option<f64>, bound: Bound, low: f64, high: f64) -> Verdict {
    let effect = effect(Unit::Times, bound, 3, Some((low, high)));
    judge(&claim(Comparison::Ratio, paper), &effect).verdict
}

fn points(paper: Option<f64>, bound: Bound, low: f64, high: f64) -> Verdict {
    let effect = effect(Unit::Points, bound, 3, Some((low, high)));
    judge(&claim(Comparison::Points, paper), &effect).verdict
}

fn gain(paper: Option<f64>, bound: Bound, low: f64, high: f64) -> Verdict {
    let effect = effect(Unit::Points, bound, 3, Some((low, high)));
    judge(&claim(Comparison::Gain, paper), &effect).verdict
}

use Bound::{AtLeast, AtMost, Exact, Neither};
use Verdict::{Inconclusive, NotReproduced, Reproduced, SameDirection};

#[test]
fn intervals_of_a_ratio() {
    let six = Some(6.0);
    assert_eq!(ratio(six, Exact, 4.0, 8.0), Reproduced);
    assert_eq!(ratio(six, Exact, 7.0, 9.0), Reproduced);
    assert_eq!(ratio(six, Exact, 4.0, 6.0), Reproduced);
    assert_eq!(ratio(six, Exact, 1.2, 3.0), SameDirection);
    assert_eq!(ratio(six, Exact, 0.8, 3.0), NotReproduced);
    assert_eq!(ratio(six, Exact, 1.0, 3.0), NotReproduced);
    assert_eq!(ratio(six, Exact, 0.8, 7.0), Inconclusive);
    assert_eq!(ratio(six, Exact, 0.5, 0.9), NotReproduced);
    assert_eq!(ratio(None, Exact, 1.2, 3.0), Reproduced);
    assert_eq!(ratio(None, Exact, 0.8, 3.0), Inconclusive);
    assert_eq!(ratio(None, Exact, 0.5, 0.9), NotReproduced);
    // What touches a border has not passed it.
    assert_eq!(ratio(None, Exact, 0.5, 1.0), Inconclusive);
    assert_eq!(ratio(six, Exact, 0.5, 6.0), Inconclusive);
}

#[test]
fn intervals_in_points() {
    let paper = Some(-1.4);
    assert_eq!(points(paper, Exact, -2.0, -0.5), Reproduced);
    assert_eq!(points(paper, Exact, -4.0, -2.0), Reproduced);
    assert_eq!(points(paper, Exact, -1.0, -0.5), SameDirection);
    assert_eq!(points(paper, Exact, -1.0, 0.2), NotReproduced);
    assert_eq!(points(paper, Exact, -2.0, 0.2), Inconclusive);
    assert_eq!(points(paper, Exact, 0.1, 0.2), NotReproduced);
    assert_eq!(points(None, Exact, -1.0, -0.5), Reproduced);
    assert_eq!(points(None, Exact, -1.0, 0.0), Inconclusive);
}

#[test]
fn intervals_of_a_gain_mirror_points() {
    let paper = Some(1.4);
    assert_eq!(gain(paper, Exact, 0.5, 2.0), Reproduced);
    assert_eq!(gain(paper, Exact, 0.5, 1.0), SameDirection);
    assert_eq!(gain(paper, Exact, -0.2, 1.0), NotReproduced);
    assert_eq!(gain(None, Exact, 0.5, 1.0), Reproduced);
    assert_eq!(gain(None, Exact, -0.5, 1.0), Inconclusive);
    assert_eq!(gain(None, Exact, -2.0, -1.0), NotReproduced);
    assert_eq!(gain(None, AtMost, -OPEN, 1.0), Inconclusive);
}

#[test]
fn a_bound_counts_only_by_its_supported_end() {
    let six = Some(6.0);
    assert_eq!(ratio(six, AtLeast, 6.5, OPEN), Reproduced);
    assert_eq!(ratio(six, AtLeast, 6.0, OPEN), Reproduced);
    assert_eq!(ratio(six, AtLeast, 1.2, OPEN), SameDirection);
    assert_eq!(ratio(six, AtLeast, 0.9, OPEN), Inconclusive);
    assert_eq!(ratio(None, AtLeast, 1.2, OPEN), Reproduced);
    assert_eq!(points(Some(-1.4), AtLeast, -OPEN, -1.5), Reproduced);
    assert_eq!(points(Some(-1.4), AtLeast, -OPEN, -0.5), SameDirection);
}

#[test]
fn a_treatment_that_fell_short_never_confirms() {
    let six = Some(6.0);
    assert_eq!(ratio(six, AtMost, 0.0, 9.0), Inconclusive);
    assert_eq!(ratio(six, AtMost, 0.0, 3.0), NotReproduced);
    assert_eq!(ratio(six, AtMost, 0.0, 0.5), NotReproduced);
    assert_eq!(ratio(None, AtMost, 0.0, 3.0), Inconclusive);
    assert_eq!(points(None, AtMost, -3.0, OPEN), Inconclusive);
    assert_eq!(points(None, AtMost, 0.5, OPEN), NotReproduced);
    assert_eq!(ratio(six, Neither, 0.0, OPEN), Inconclusive);
}

#[test]
fn too_little_to_go_by() {
    let claim = claim(Comparison::Ratio, Some(6.0));
    let few = |n, interval| judge(&claim, &effect(Unit::Times, Exact, n, interval));
    assert_eq!(
        few(0, None).reason,
        "0 usable pairs of trials; a verdict needs 3."
    );
    assert_eq!(
        few(1, None).reason,
        "1 usable pair of trials; a verdict needs 3."
    );
    assert_eq!(few(2, Some((5.9, 6.1))).verdict, Inconclusive);
    let mut equal = effect(Unit::Times, Exact, 3, Some((6.0, 6.0)));
    if let Some(estimate) = &mut equal.estimate {
        estimate.spread = false;
    }
    let judged = judge(&claim, &equal);
    assert_eq!(judged.verdict, Inconclusive);
    assert!(
        judged.reason.contains("exactly the same"),
        "{}",
        judged.reason
    );
}

#[test]
fn a_figure_on_the_wrong_side_is_a_mistake_in_the_file() {
    for (comparison, unit, paper) in [
        (Comparison::Points, Unit::Points, 1.4),
        (Comparison::Points, Unit::Points, 0.0),
        (Comparison::Gain, Unit::Points, 0.0),
        (Comparison::Gain, Unit::Points, -1.4),
        (Comparison::Ratio, Unit::Times, 0.5),
        (Comparison::Multiple, Unit::Times, 0.5),
        (Comparison::Ratio, Unit::Times, f64::NAN),
    ] {
        let effect = effect(unit, Exact, 3, Some((-2.0, -1.0)));
        let judged = judge(&claim(comparison, Some(paper)), &effect);
        assert_eq!(judged.verdict, Inconclusive);
        assert!(
            judged.reason.contains("correct the file"),
            "{}",
            judged.reason
        );
    }
}

#[test]
fn the_reason_names_the_numbers() {
    let effect = effect(Unit::Times, Exact, 3, Some((4.786, 6.729)));
    let judged = judge(&claim(Comparison::Ratio, Some(6.0)), &effect);
    assert_eq!(
        judged.reason,
        "The 95% interval [4.79, 6.73] lies wholly above no effect (1x) and includes the \
         paper's 6x."
    );
}

#[test]
fn the_reason_says_on_which_side_of_the_figure_the_interval_lies() {
    let reason_for = |paper, bound, low, high| {
        let effect = effect(Unit::Times, bound, 3, Some((low, high)));
        judge(&claim(Comparison::Ratio, paper), &effect).reason
    };
    let reason = |bound, low, high| reason_for(Some(6.0), bound, low, high);
    for (bound, low, high, words) in [
        (Exact, 7.0, 9.0, "and passes the paper's 6x"),
        (Exact, 6.0, 9.0, "and includes the paper's 6x"),
        (Exact, 4.0, 5.0, "but short of the paper's 6x"),
        (AtLeast, 6.5, OPEN, "and passes the paper's 6x"),
        (
            AtLeast,
            1.2,
            OPEN,
            "as a bound it does not establish the paper's 6x",
        ),
        (AtMost, 0.5, 9.0, "so the claim cannot be confirmed"),
        (Exact, 0.5, 9.0, "both no effect (1x) and the paper's 6x."),
        (Exact, 0.5, 5.0, "and falls short of the paper's 6x"),
    ] {
        let reason = reason(bound, low, high);
        assert!(reason.contains(words), "{reason}");
    }
    assert!(!reason(Exact, 0.5, 9.0).contains("confirmed"));
    let without = reason_for(None, Exact, 0.5, 9.0);
    assert!(without.ends_with("includes no effect (1x)."), "{without}");
}
