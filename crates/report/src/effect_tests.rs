//! Effects against reference numbers, and what bounds do to them.

use ablate_store::{Comparison, Measure, Trial};

use super::*;
use crate::fixture::{experiment, trial, with_final};
use crate::trials::Trials;

/// Trials that reach 25% at the given epochs; `None` never does.
fn reaching(variant: &str, epochs: &[Option<f64>]) -> Vec<Trial> {
    let make = |(index, at): (usize, &Option<f64>)| {
        let errors: Vec<f64> = (1..=20)
            .map(|epoch| match at {
                Some(at) => 0.25 + 0.01 * (at - (epoch as f64 - 0.5)),
                None => 0.5,
            })
            .collect();
        trial(variant, index as u64 + 1, &errors)
    };
    epochs.iter().enumerate().map(make).collect()
}

fn ratio(baseline: &[Option<f64>], treatment: &[Option<f64>]) -> Effect {
    let experiment = experiment();
    let trials = [reaching("tanh", baseline), reaching("relu", treatment)].concat();
    of(&experiment, &trials)
}

fn of(experiment: &ablate_store::Experiment, trials: &[Trial]) -> Effect {
    let sorted = Trials::new(experiment, trials).expect("sorted");
    let group = |name| sorted.group(name).expect("a group");
    Effect::of(&experiment.claim, group("relu"), group("tanh"))
}

fn close(ours: f64, reference: f64) {
    let error = (ours - reference).abs() / reference.abs();
    assert!(error < 1e-7, "{ours} against {reference}");
}

/// numpy and scipy: exp of mean and t interval of log([14.2, 12.9, 15.8] / [2.6, 2.1, 2.9])
#[test]
fn ratios_are_averaged_as_logarithms() {
    let effect = ratio(
        &[Some(14.2), Some(12.9), Some(15.8)],
        &[Some(2.6), Some(2.1), Some(2.9)],
    );
    let estimate = effect.estimate.expect("three pairs");
    close(estimate.value, 5.67520430208105);
    let interval = estimate.interval.expect("three pairs");
    close(interval.low, 4.78616973716963);
    close(interval.high, 6.729377694282503);
    assert_eq!(estimate.p_permutation, Some(0.25));
    assert_eq!(effect.bound, Bound::Exact);
    assert_eq!(effect.text(), "5.68 [4.79, 6.73]");
    // exp(3.264043552819638 * 0.06858561345935953): statsmodels' effect times numpy's sd
    let detectable = (3.264043552819638_f64 * 0.06858561345935953).exp();
    assert!((estimate.detectable.expect("spread") - detectable).abs() < 1e-5);
}

/// numpy, scipy: the differences are -1.9, -0.7, -1.4, -2.3, -1.1 points
#[test]
fn differences_are_in_points() {
    let mut experiment = experiment();
    experiment.claim.measure = Measure::FinalValidation("top1_error".to_string());
    experiment.claim.comparison = Comparison::Points;
    experiment.claim.paper = Some(-1.4);
    let base = [0.131, 0.128, 0.135, 0.129, 0.132];
    let less = [0.019, 0.007, 0.014, 0.023, 0.011];
    let mut trials = Vec::new();
    for (index, (base, less)) in base.iter().zip(less).enumerate() {
        trials.push(with_final("tanh", index as u64, *base));
        trials.push(with_final("relu", index as u64, base - less));
    }
    let estimate = of(&experiment, &trials).estimate.expect("five pairs");
    close(estimate.value, -1.48);
    let interval = estimate.interval.expect("five pairs");
    close(interval.low, -2.2672580598145777);
    close(interval.high, -0.6927419401854219);
    close(estimate.d_z.expect("spread"), -2.334257102143093);
    close(estimate.p_t.expect("spread"), 0.0064294153604199655);
    assert_eq!(estimate.p_permutation, Some(0.0625));
    assert!(estimate.detectable.expect("spread") < -1.0);
    // ceil of TTestPower().solve_power(effect_size=1.4 / 0.634, alpha=0.05, power=0.8)
    assert_eq!(estimate.pairs_for_paper, Some(4));
}

#[test]
fn a_baseline_that_falls_short_gives_a_lower_bound() {
    let effect = ratio(
        &[None, None, Some(16.0)],
        &[Some(4.0), Some(4.5), Some(5.0)],
    );
    assert_eq!(effect.bound, Bound::AtLeast);
    let estimate = effect.estimate.expect("three pairs");
    close(
        estimate.value,
        (19.5 / 4.0 * 19.5 / 4.5 * 16.0 / 5.0_f64).cbrt(),
    );
    let interval = estimate.interval.expect("three pairs");
    assert!(interval.low > 1.0 && interval.high == f64::INFINITY);
    assert_eq!(
        (estimate.p_t, estimate.p_permutation, estimate.d_z),
        (None, None, None)
    );
    assert!(
        effect.text().starts_with("at least 4.07 ["),
        "{}",
        effect.text()
    );
}

#[test]
fn a_treatment_that_falls_short_gives_an_upper_bound() {
    let effect = ratio(
        &[Some(4.0), Some(4.5), Some(5.0)],
        &[None, None, Some(16.0)],
    );
    assert_eq!(effect.bound, Bound::AtMost);
    let interval = effect
        .estimate
        .and_then(|e| e.interval)
        .expect("three pairs");
    assert!(interval.low == 0.0 && interval.high < 1.0);
}

#[test]
fn points_open_at_the_claimed_end() {
    let mut experiment = experiment();
    experiment.claim.comparison = Comparison::Points;
    let trials = [
        reaching("tanh", &[None, None, Some(16.0)]),
        reaching("relu", &[Some(4.0), Some(4.5), Some(5.0)]),
    ];
    let effect = of(&experiment, &trials.concat());
    let interval = effect
        .estimate
        .and_then(|e| e.interval)
        .expect("three pairs");
    assert!(interval.low == f64::NEG_INFINITY && interval.high < 0.0);
    assert_eq!(effect.unit, Unit::Epochs);
}

/// The mirror of `differences_are_in_points`: the same pairs with the roles
/// exchanged and a claim of more.
#[test]
fn a_gain_mirrors_points() {
    let mut experiment = experiment();
    experiment.claim.measure = Measure::FinalValidation("top1_error".to_string());
    experiment.claim.comparison = Comparison::Gain;
    experiment.claim.paper = Some(1.4);
    let base = [0.131, 0.128, 0.135, 0.129, 0.132];
    let less = [0.019, 0.007, 0.014, 0.023, 0.011];
    let mut trials = Vec::new();
    for (index, (base, less)) in base.iter().zip(less).enumerate() {
        trials.push(with_final("relu", index as u64, *base));
        trials.push(with_final("tanh", index as u64, base - less));
    }
    let estimate = of(&experiment, &trials).estimate.expect("five pairs");
    close(estimate.value, 1.48);
    close(
        estimate.interval.expect("five pairs").low,
        0.6927419401854219,
    );
    assert!(estimate.detectable.expect("spread") > 1.0);
    assert_eq!(estimate.pairs_for_paper, Some(4));
}

#[test]
fn a_multiple_opens_at_its_strong_end() {
    let mut experiment = experiment();
    experiment.claim.comparison = Comparison::Multiple;
    let trials = [
        reaching("tanh", &[Some(4.0), Some(4.5), Some(5.0)]),
        reaching("relu", &[None, None, Some(16.0)]),
    ];
    let effect = of(&experiment, &trials.concat());
    assert_eq!(effect.bound, Bound::AtLeast);
    assert_eq!(
        effect.pairs[0].note,
        "at least: treatment did not reach the target"
    );
    let interval = effect
        .estimate
        .and_then(|e| e.interval)
        .expect("three pairs");
    assert!(interval.low > 1.0 && interval.high == f64::INFINITY);
}

#[test]
fn bounds_on_both_sides_bound_nothing() {
    let effect = ratio(&[None, Some(4.0), None], &[Some(4.0), None, Some(3.0)]);
    assert_eq!(effect.bound, Bound::Neither);
    assert_eq!(effect.text(), "not bounded");
    let effect = ratio(&[None, None], &[None, None]);
    assert_eq!((effect.bound, effect.estimate), (Bound::Neither, None));
    assert_eq!(effect.text(), "-");
}

#[test]
fn few_or_equal_pairs_have_little_to_say() {
    let one = ratio(&[Some(12.0)], &[Some(2.0)]);
    let estimate = one.estimate.expect("one pair");
    assert_eq!(
        (estimate.n, estimate.interval, estimate.p_t),
        (1, None, None)
    );
    assert_eq!(one.text(), "6.00");
    let equal = ratio(&[Some(12.0); 3], &[Some(2.0); 3]);
    let estimate = equal.estimate.expect("three pairs");
    assert!(!estimate.spread);
    assert_eq!(
        (estimate.d_z, estimate.p_t, estimate.detectable),
        (None, None, None)
    );
    let none = ratio(&[], &[]);
    assert_eq!((none.estimate, none.pairs.len()), (None, 0));
}

#[test]
fn pairs_that_lack_a_side_are_kept_and_explained() {
    let effect = ratio(&[Some(12.0), Some(13.0)], &[Some(2.0)]);
    assert_eq!(effect.pairs.len(), 2);
    assert_eq!(effect.pairs[1].note, "left out: treatment was not run");
    assert_eq!(effect.pairs[1].baseline, Censored::Seen(13.0));
    assert_eq!(effect.estimate.expect("one pair").n, 1);
}
