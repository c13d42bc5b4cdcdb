//! The two sides of a pair set against each other.

use ablate_store::{Censored, Claim, Comparison, Direction, Measure};

use crate::number::Unit;
use crate::reading;
use crate::side::Side;

/// The scale an effect is averaged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) comparison: Comparison,
    /// What the effect is shown in.
    pub(crate) unit: Unit,
}

impl Scale {
    /// Ratios are averaged as logarithms, so that half and double cancel.
    /// Differences of fractions are in points, others in the measure's own unit.
    pub(crate) fn of(claim: &Claim) -> Self {
        let unit = match reading::unit(&claim.measure) {
            _ if claim.comparison.is_quotient() => Unit::Times,
            Unit::Percent => Unit::Points,
            own => own,
        };
        Self {
            comparison: claim.comparison,
            unit,
        }
    }

    /// The effect of two values on the averaging scale; not finite where a
    /// ratio has a side that is not positive.
    fn effect(self, baseline: f64, treatment: f64) -> f64 {
        match self.comparison {
            Comparison::Ratio | Comparison::Multiple if baseline <= 0.0 || treatment <= 0.0 => {
                f64::NAN
            }
            Comparison::Ratio => (baseline / treatment).ln(),
            Comparison::Multiple => (treatment / baseline).ln(),
            Comparison::Points | Comparison::Gain if self.unit == Unit::Points => {
                100.0 * (treatment - baseline)
            }
            Comparison::Points | Comparison::Gain => treatment - baseline,
        }
    }

    /// From the unit of the comparison to the averaging scale.
    pub(crate) fn inward(self, value: f64) -> f64 {
        match self.comparison.is_quotient() {
            true => value.ln(),
            false => value,
        }
    }

    /// From the averaging scale to the unit of the comparison.
    pub(crate) fn outward(self, value: f64) -> f64 {
        match self.comparison.is_quotient() {
            true => value.exp(),
            false => value,
        }
    }

    /// 1 where a greater effect speaks for the claim, -1 where a lesser one does.
    pub(crate) fn sign(self) -> f64 {
        match self.comparison.direction() {
            Direction::Greater => 1.0,
            Direction::Less => -1.0,
        }
    }
}

/// What a pair says about the effect. Numbers are on the averaging scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Both sides were seen.
    Exact(f64),
    /// The side that the claim expects more of (the baseline where it claims less)
    /// fell short of the target alone: the effect is this or stronger.
    AtLeast(f64),
    /// The other side fell short of the target alone: the effect is this or weaker.
    AtMost(f64),
    /// The treatment diverged, or the side that the claim expects less of fell short
    /// of the target too early to give a bound: that speaks against the claim, by how
    /// much is not known.
    Against(&'static str),
    /// Neither side has a number because of how training went; anything may be true.
    Unknown(&'static str),
    /// A side is absent for a reason that says nothing of the effect.
    LeftOut(String),
}

impl Outcome {
    /// The number, where the pair has one.
    pub(crate) fn value(&self) -> Option<f64> {
        match self {
            Self::Exact(value) | Self::AtLeast(value) | Self::AtMost(value) => Some(*value),
            _ => None,
        }
    }

    /// Sets the two sides of a pair against each other.
    pub(crate) fn of(claim: &Claim, baseline: Option<&Side>, treatment: Option<&Side>) -> Self {
        use Censored::{Missing, MoreThan, Seen};
        let (Some(b), Some(t)) = (baseline, treatment) else {
            return Self::LeftOut(absent(baseline, treatment));
        };
        let effect = |b, t| Scale::of(claim).effect(b, t);
        let less = claim.comparison.claims_less();
        let bound = |value, is_least: bool| match is_least {
            true => Self::AtLeast(value),
            false => Self::AtMost(value),
        };
        match (b.value(&claim.measure), t.value(&claim.measure)) {
            (Seen(b), Seen(t)) => match effect(b, t) {
                value if value.is_finite() => Self::Exact(value),
                _ => Self::LeftOut("a ratio needs two positive values".to_string()),
            },
            // A quotient has no bound from zero (diverged before the first evaluation).
            // Where the claim is of less, leaving the pair out favours the baseline;
            // where it is of more, that would favour the claim.
            (MoreThan(b), Seen(t)) => match effect(b, t) {
                value if value.is_finite() => bound(value, less),
                _ if !less => Self::Against("baseline did not reach the target"),
                _ => Self::LeftOut("baseline gives no bound".to_string()),
            },
            // Never reaching the target must not pass for taking long to reach it.
            (Seen(_), MoreThan(_)) if !less && t.diverged() => Self::Against("treatment diverged"),
            (Seen(b), MoreThan(t)) => match effect(b, t) {
                value if value.is_finite() => bound(value, !less),
                _ => Self::Against("treatment did not reach the target"),
            },
            (MoreThan(_), MoreThan(_)) => Self::Unknown("neither reached the target"),
            (Missing, _) | (_, Missing) => match (b.diverged(), t.diverged()) {
                (true, true) => Self::Unknown("both diverged"),
                (false, true) => Self::Against("treatment diverged"),
                _ => Self::LeftOut(unusable(&claim.measure, b, t)),
            },
        }
    }
}

/// The side whose missed target leaves the effect stronger than shown, then the
/// one whose missed target leaves it weaker.
pub(crate) fn sides(comparison: Comparison) -> [&'static str; 2] {
    match comparison.claims_less() {
        true => ["baseline", "treatment"],
        false => ["treatment", "baseline"],
    }
}

fn absent(baseline: Option<&Side>, treatment: Option<&Side>) -> String {
    let why = match (baseline, treatment) {
        (None, None) => "neither was run",
        (None, _) => "baseline was not run",
        _ => "treatment was not run",
    };
    why.to_string()
}

/// Why a pair with both trials has no effect, side by side.
fn unusable(measure: &Measure, baseline: &Side, treatment: &Side) -> String {
    let sides = [
        baseline.trouble("baseline", measure),
        treatment.trouble("treatment", measure),
    ];
    let reasons: Vec<String> = sides.into_iter().flatten().collect();
    match reasons.is_empty() {
        true => "the measure is missing or not a number".to_string(),
        false => reasons.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use ablate_store::Status;

    use super::*;
    use crate::fixture::{experiment, trial};

    /// The outcome for training errors by epoch and how the trials ended.
    fn outcome(baseline: (&[f64], Status), treatment: (&[f64], Status)) -> Outcome {
        let mut b = trial("tanh", 1, baseline.0);
        let mut t = trial("relu", 1, treatment.0);
        (b.status, t.status) = (baseline.1, treatment.1);
        Outcome::of(
            &experiment().claim,
            Some(&Side::from(&b)),
            Some(&Side::from(&t)),
        )
    }

    const DIVERGED: Status = Status::Diverged { epoch: 3 };

    #[test]
    fn a_missed_target_is_a_bound() {
        let reached: &[f64] = &[0.5, 0.25];
        let short: &[f64] = &[0.5, 0.4, 0.3];
        let done = Status::Finished;
        let log = |ratio: f64| ratio.ln();
        let case = |b, t| outcome((b, Status::Finished), (t, Status::Finished));
        assert_eq!(case(reached, reached), Outcome::Exact(0.0));
        assert_eq!(case(short, reached), Outcome::AtLeast(log(2.5 / 1.5)));
        assert_eq!(case(reached, short), Outcome::AtMost(log(1.5 / 2.5)));
        assert!(matches!(case(short, short), Outcome::Unknown(_)));
        let early = outcome((&[], DIVERGED), (reached, done.clone()));
        assert!(matches!(early, Outcome::LeftOut(_)));
        let early = outcome((reached, done), (&[], DIVERGED));
        assert!(matches!(early, Outcome::Against(_)));
    }

    /// The quotient of two negative numbers is positive, and says nothing.
    #[test]
    fn quotients_are_of_positive_sides() {
        for comparison in [Comparison::Ratio, Comparison::Multiple] {
            let scale = Scale {
                comparison,
                unit: Unit::Times,
            };
            assert_eq!(scale.effect(2.0, 2.0), 0.0);
            for (baseline, treatment) in [(-1.0, -2.0), (0.0, 2.0), (2.0, 0.0), (2.0, -1.0)] {
                let effect = scale.effect(baseline, treatment);
                assert!(!effect.is_finite(), "{comparison:?}: {effect}");
            }
        }
    }

    #[test]
    fn a_claim_of_more_turns_the_bounds_round() {
        let claim = Claim {
            comparison: Comparison::Multiple,
            ..experiment().claim
        };
        let reached = trial("tanh", 1, &[0.5, 0.25]);
        let short = trial("relu", 1, &[0.5, 0.4, 0.3]);
        let of = |b, t| Outcome::of(&claim, Some(&Side::from(b)), Some(&Side::from(t)));
        assert_eq!(of(&reached, &short), Outcome::AtLeast((2.5_f64 / 1.5).ln()));
        assert_eq!(of(&short, &reached), Outcome::AtMost((1.5_f64 / 2.5).ln()));
        let mut diverged = short.clone();
        diverged.status = DIVERGED;
        assert_eq!(
            of(&reached, &diverged),
            Outcome::Against("treatment diverged")
        );
        let mut early = trial("tanh", 1, &[]);
        early.status = DIVERGED;
        assert_eq!(
            of(&early, &reached),
            Outcome::Against("baseline did not reach the target")
        );
        assert!(matches!(of(&early, &short), Outcome::Unknown(_)));
    }

    #[test]
    fn a_diverged_treatment_speaks_against_a_final_error() {
        let claim = Claim {
            measure: Measure::FinalValidation("top1_error".to_string()),
            comparison: Comparison::Points,
            ..experiment().claim
        };
        let finished = trial("tanh", 1, &[0.5]);
        let mut broken = trial("relu", 1, &[0.5]);
        broken.status = DIVERGED;
        let of = |b, t| Outcome::of(&claim, Some(&Side::from(b)), Some(&Side::from(t)));
        assert!(matches!(of(&finished, &broken), Outcome::Against(_)));
        assert!(matches!(of(&broken, &broken), Outcome::Unknown(_)));
        assert_eq!(
            of(&broken, &finished),
            Outcome::LeftOut("baseline diverged".to_string())
        );
        let mut cut = broken.clone();
        cut.status = Status::Unfinished;
        assert_eq!(
            of(&finished, &cut),
            Outcome::LeftOut("treatment is unfinished".to_string())
        );
        assert_eq!(
            Outcome::of(&claim, None, Some(&Side::from(&finished))),
            Outcome::LeftOut("baseline was not run".to_string())
        );
        let towers = Claim {
            measure: Measure::TowerChromaGap,
            ..claim
        };
        let side = Side::from(&finished);
        let Outcome::LeftOut(why) = Outcome::of(&towers, Some(&side), Some(&side)) else {
            panic!("there are no filters to compare");
        };
        assert!(why.starts_with("baseline was run before outputs"), "{why}");
    }

    #[test]
    fn differences_of_fractions_are_points_and_of_losses_are_not() {
        let mut claim = Claim {
            measure: Measure::FinalTrain("top1_error".to_string()),
            comparison: Comparison::Points,
            ..experiment().claim
        };
        assert_eq!(Scale::of(&claim).effect(0.5, 0.25), -25.0);
        claim.measure = Measure::FinalTrain("loss".to_string());
        assert_eq!(Scale::of(&claim).effect(0.5, 0.25), -0.25);
        claim.comparison = Comparison::Gain;
        assert_eq!(Scale::of(&claim).effect(0.5, 0.75), 0.25);
        claim.comparison = Comparison::Multiple;
        assert_eq!(Scale::of(&claim).effect(0.5, 1.0), 2.0_f64.ln());
        claim.comparison = Comparison::Ratio;
        assert!(!Scale::of(&claim).effect(0.5, 0.0).is_finite());
        let (some, none) = (trial("tanh", 1, &[0.5]), trial("relu", 1, &[0.0]));
        claim.measure = Measure::FinalTrain("top1_error".to_string());
        assert_eq!(
            Outcome::of(&claim, Some(&Side::from(&some)), Some(&Side::from(&none))),
            Outcome::LeftOut("a ratio needs two positive values".to_string())
        );
    }
}
