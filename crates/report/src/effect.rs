//! The effect of the treatment against another variant, paired by seed.

use ablate_store::{Censored, Claim, Comparison};

use crate::number::{self, Unit};
use crate::pair::{Outcome, Scale, sides};
use crate::side::{Side, matched};
use crate::statistics::{self, Interval, Sample, has_spread};
use crate::trials::Group;
use crate::verdict::LEAST_PAIRS;

/// The treatment set against one other variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The variant claimed to be better.
    pub treatment: String,
    /// The variant it is compared with.
    pub baseline: String,
    /// What the effect is counted in.
    pub unit: Unit,
    /// Every seed that either variant was run with; of an ensemble, every group.
    pub pairs: Vec<Pair>,
    /// What the pairs say together; `None` where no pair has a number.
    pub estimate: Option<Estimate>,
    /// Which ends of the interval the pairs support.
    pub bound: Bound,
    /// Holm-adjusted t-test p-value over all comparisons of the experiment.
    pub p_holm: Option<f64>,
}

/// One seed of an effect, or one group of an ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The seed, or the seeds of the group.
    pub seeds: Vec<u64>,
    /// The baseline's value.
    pub baseline: Censored,
    /// The treatment's value.
    pub treatment: Censored,
    /// The effect in its unit; `None` where the pair has no number.
    pub effect: Option<f64>,
    /// Why the effect is only a bound, or why there is none; empty for an exact one.
    pub note: String,
}

/// Whether the numbers are values or bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Every usable pair has an exact effect.
    Exact,
    /// In some pairs the side that the claim expects more of missed the target:
    /// the true effect is at least as strong as shown, and its interval has no
    /// strong end.
    AtLeast,
    /// In some pairs the other side missed the target or the treatment diverged:
    /// the true effect is at most as strong as shown, and its interval has no weak
    /// end.
    AtMost,
    /// Both, or pairs in which neither side has a number: nothing is bounded.
    Neither,
}

/// What the usable pairs say together, in the unit of the comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Number of pairs with a number.
    pub n: usize,
    /// Mean difference, or geometric mean ratio.
    pub value: f64,
    /// 95% Student t interval; ends that are not supported are infinite (zero
    /// for the lower end of a ratio). `None` for one pair.
    pub interval: Option<Interval>,
    /// Whether the pairs differ at all.
    pub spread: bool,
    /// Cohen's d_z: mean over standard deviation of the paired differences (of
    /// logarithms for a ratio).
    pub d_z: Option<f64>,
    /// Two-sided paired t test.
    pub p_t: Option<f64>,
    /// Two-sided exact sign-flip test.
    pub p_permutation: Option<f64>,
    /// The smallest effect these pairs find in 80% of experiments, in the
    /// claimed direction.
    pub detectable: Option<f64>,
    /// Pairs it would take to find the paper's figure in 80% of experiments; at
    /// least the three that a verdict needs.
    pub pairs_for_paper: Option<usize>,
}

impl Effect {
    pub(crate) fn of(claim: &Claim, treatment: &Group, baseline: &Group) -> Self {
        let scale = Scale::of(claim);
        let matched = matched(baseline, treatment);
        let outcomes: Vec<Outcome> = matched
            .iter()
            .map(|pair| Outcome::of(claim, pair.baseline.as_ref(), pair.treatment.as_ref()))
            .collect();
        let value = |side: &Option<Side>| {
            let side = side.as_ref();
            side.map_or(Censored::Missing, |side| side.value(&claim.measure))
        };
        let pairs = matched.iter().zip(&outcomes).map(|(pair, outcome)| Pair {
            seeds: pair.seeds.clone(),
            baseline: value(&pair.baseline),
            treatment: value(&pair.treatment),
            effect: outcome.value().map(|value| scale.outward(value)),
            note: note(outcome, claim.comparison),
        });
        let bound = Bound::of(outcomes.iter());
        let values: Vec<f64> = outcomes.iter().filter_map(Outcome::value).collect();
        Self {
            treatment: treatment.name.to_string(),
            baseline: baseline.name.to_string(),
            unit: scale.unit,
            pairs: pairs.collect(),
            estimate: Estimate::of(&values, bound, scale, claim.paper),
            bound,
            p_holm: None,
        }
    }

    /// `5.7 [4.8, 6.7]`, marked as a bound where it is one.
    pub fn text(&self) -> String {
        let Some(estimate) = self.estimate else {
            return "-".to_string();
        };
        let text = number::estimate(estimate.value, estimate.interval, self.unit);
        match self.bound {
            Bound::Exact => text,
            Bound::AtLeast => format!("at least {text}"),
            Bound::AtMost => format!("at most {text}"),
            Bound::Neither => "not bounded".to_string(),
        }
    }
}

impl Bound {
    fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let (mut strong_open, mut weak_open) = (false, false);
        for outcome in outcomes {
            match outcome {
                Outcome::Exact(_) | Outcome::LeftOut(_) => {}
                Outcome::AtLeast(_) => strong_open = true,
                Outcome::AtMost(_) | Outcome::Against(_) => weak_open = true,
                Outcome::Unknown(_) => (strong_open, weak_open) = (true, true),
            }
        }
        match (strong_open, weak_open) {
            (false, false) => Self::Exact,
            (true, false) => Self::AtLeast,
            (false, true) => Self::AtMost,
            (true, true) => Self::Neither,
        }
    }

    /// Opens the ends of an interval (greater is stronger) that are not supported.
    fn open(self, interval: Interval) -> Interval {
        let strong = matches!(self, Self::AtLeast | Self::Neither);
        let weak = matches!(self, Self::AtMost | Self::Neither);
        Interval::new(
            if weak {
                f64::NEG_INFINITY
            } else {
                interval.low
            },
            if strong { f64::INFINITY } else { interval.high },
        )
    }
}

impl Estimate {
    /// `values` are on the averaging scale; a bound stands for its value.
    ///
    /// That keeps the supported end true: the mean of values cut at a bound is
    /// weaker (or stronger, for the treatment) than the mean of the values, so
    /// whatever lies beyond the one lies beyond the other.
    fn of(values: &[f64], bound: Bound, scale: Scale, paper: Option<f64>) -> Option<Self> {
        let sample = Sample::of(values)?;
        let spread = has_spread(values);
        let exact = bound == Bound::Exact;
        let sd = sample.sd.filter(|_| exact && spread);
        let stronger = |interval: Interval| match scale.sign() < 0.0 {
            true => bound.open(interval.mirrored()).mirrored(),
            false => bound.open(interval),
        };
        let detectable = |sd: f64| {
            let effect = statistics::detectable_effect(sample.n)?;
            Some(scale.outward(scale.sign() * effect * sd))
        };
        let for_paper = |sd: f64| {
            let paper = scale.inward(paper?);
            Some(statistics::pairs_needed(paper / sd)?.max(LEAST_PAIRS))
        };
        Some(Self {
            n: sample.n,
            value: scale.outward(sample.mean),
            interval: sample
                .interval
                .map(|interval| stronger(interval).map(|end| scale.outward(end))),
            spread,
            d_z: sd.map(|sd| sample.mean / sd),
            p_t: statistics::t_test_p(values).filter(|_| exact),
            p_permutation: statistics::sign_flip_p(values).filter(|_| exact),
            detectable: sd.and_then(detectable),
            pairs_for_paper: sd.and_then(for_paper),
        })
    }
}

fn note(outcome: &Outcome, comparison: Comparison) -> String {
    let [stronger, weaker] = sides(comparison);
    match outcome {
        Outcome::Exact(_) => String::new(),
        Outcome::AtLeast(_) => format!("at least: {stronger} did not reach the target"),
        Outcome::AtMost(_) => format!("at most: {weaker} did not reach the target"),
        Outcome::Against(why) => format!("counts against the claim: {why}"),
        Outcome::Unknown(why) => format!("bounds nothing: {why}"),
        Outcome::LeftOut(why) => format!("left out: {why}"),
    }
}

#[cfg(test)]
#[path = "effect_tests.rs"]
mod tests;
