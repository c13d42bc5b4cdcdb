//! From an effect to a verdict on the claim.

use std::fmt;

use ablate_store::{Claim, Direction};

use crate::effect::{Bound, Effect};
use crate::notes::weakened;
use crate::number::{self, Unit};
use crate::statistics::Interval;

/// Fewer pairs than this have no verdict: an interval from two is too wide to
/// exclude anything and too fragile to trust when it does.
pub const LEAST_PAIRS: usize = 3;

/// What the trials say of the paper's claim.
///
/// The rule, also printed in every report as [`Verdict::RULE`]:
///
/// | 95% interval of the effect | verdict |
/// |---|---|
/// | wholly on the claimed side of no effect, reaching or passing the paper's figure | reproduced |
/// | wholly on the claimed side, the paper gives no figure | reproduced |
/// | wholly on the claimed side, wholly short of the paper's figure | same direction |
/// | wholly on the other side | not reproduced |
/// | includes no effect, wholly short of the paper's figure | not reproduced |
/// | includes no effect and the paper's figure, or there is no figure | inconclusive |
///
/// Where the claim is only one of direction, the direction is the claim, so
/// finding it is `reproduced`.
///
/// An interval with an open end follows the same rule with one difference: the
/// side that the claim expects to take longer leaves the strong end open where it
/// never reached the target, and an open end is no evidence of reaching the
/// paper's figure, so the supported end must reach it; until then the verdict is
/// `same direction`. The other side missing the target, or a diverged treatment,
/// leaves the weak end open, so the claim cannot be confirmed but can still be
/// refuted.
///
/// Fewer than [`LEAST_PAIRS`] pairs with a number, or pairs without any spread
/// (seeds that change nothing measure nothing), are inconclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The claimed direction, and the paper's figure where it gives one.
    Reproduced,
    /// The claimed direction, but less of it.
    SameDirection,
    /// No such effect, or the opposite.
    NotReproduced,
    /// These trials cannot tell.
    Inconclusive,
}

impl Verdict {
    /// The rule in words.
    pub const RULE: &str = "The effect is measured on pairs of trials with the same seed and \
        judged by its 95% Student t interval: reproduced if the interval lies wholly on the \
        claimed side of no effect and reaches or passes the paper's figure (where it gives one), \
        same direction if it lies wholly on that side but short of the figure, not reproduced if \
        it lies wholly on the other side or includes no effect and falls short of the figure. \
        Anything else is inconclusive, as are fewer than three pairs and pairs without spread; \
        nothing is confirmed by a treatment that diverged or by a missed target that makes the \
        effect look stronger than it is, and one that makes it look weaker gives a bound, which \
        must itself reach the figure.";

    /// The verdict in words for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::SameDirection => "same direction",
            Self::NotReproduced => "not reproduced",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The verdict in one word for machines.
    pub fn key(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::SameDirection => "same_direction",
            Self::NotReproduced => "not_reproduced",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A verdict and the sentence that gives its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
}

/// Judges a claim by the effect of its treatment against its baseline.
pub(crate) fn judge(claim: &Claim, effect: &Effect) -> Judgement {
    let (verdict, reason) = match evidence(claim, effect) {
        Ok(interval) => {
            let place = Place::of(claim, effect.bound, interval);
            (place.verdict(), place.sentence(claim, effect, interval))
        }
        Err(reason) => (Verdict::Inconclusive, reason),
    };
    Judgement { verdict, reason }
}

/// The interval to judge by, or why there is none.
fn evidence(claim: &Claim, effect: &Effect) -> Result<Interval, String> {
    if let Some(paper) = claim.paper.filter(|paper| !is_claimed(claim, *paper)) {
        return Err(format!(
            "The paper's figure in the experiment file, {}, is not on the claimed side of {}; \
             correct the file.",
            number::exact(paper, effect.unit),
            no_effect(claim, effect.unit)
        ));
    }
    if effect.bound == Bound::Neither {
        return Err(
            "In some pairs neither the effect's upper nor its lower end is known, because of \
             trials that missed the target or diverged."
                .to_string(),
        );
    }
    let (n, spread) = effect.estimate.map_or((0, true), |e| (e.n, e.spread));
    if n < LEAST_PAIRS {
        let pairs = if n == 1 { "pair" } else { "pairs" };
        return Err(format!(
            "{n} usable {pairs} of trials; a verdict needs {LEAST_PAIRS}."
        ));
    }
    if !spread {
        return Err(
            "The effect is exactly the same for every seed, so the seeds give no measure of \
             chance."
                .to_string(),
        );
    }
    let interval = effect.estimate.and_then(|estimate| estimate.interval);
    interval.ok_or_else(|| "There is no interval.".to_string())
}

/// Where an interval lies beside no effect and the paper's figure: a row of the rule.
#[derive(Clone, Copy)]
enum Place {
    /// Wholly on the claimed side, past the figure.
    Past,
    /// Wholly on the claimed side, and it includes the figure.
    Reaching,
    /// Wholly on the claimed side, where the paper gives no figure.
    Claimed,
    /// Wholly on the claimed side, short of the figure.
    Short,
    /// Wholly on the other side.
    Other,
    /// Across no effect, short of the figure.
    AcrossShort,
    /// Across no effect, and it includes the figure, where there is one.
    Across,
}

impl Place {
    fn of(claim: &Claim, bound: Bound, interval: Interval) -> Self {
        // Turned so that the claim is of more.
        let (interval, turn) = match claim.comparison.direction() {
            Direction::Greater => (interval, 1.0),
            Direction::Less => (interval.mirrored(), -1.0),
        };
        let null = turn * claim.comparison.null();
        // An open end reaches nothing.
        let reach = match bound {
            Bound::AtLeast => interval.low,
            _ => interval.high,
        };
        let is_claimed = interval.low > null;
        match claim.paper.map(|paper| turn * paper) {
            _ if interval.high < null => Self::Other,
            None if is_claimed => Self::Claimed,
            Some(paper) if is_claimed && interval.low > paper => Self::Past,
            Some(paper) if is_claimed && reach >= paper => Self::Reaching,
            Some(_) if is_claimed => Self::Short,
            Some(paper) if interval.high < paper => Self::AcrossShort,
            _ => Self::Across,
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Past | Self::Reaching | Self::Claimed => Verdict::Reproduced,
            Self::Short => Verdict::SameDirection,
            Self::Other | Self::AcrossShort => Verdict::NotReproduced,
            Self::Across => Verdict::Inconclusive,
        }
    }

    /// The reason for the verdict.
    fn sentence(self, claim: &Claim, effect: &Effect, interval: Interval) -> String {
        let (claimed, other) = match claim.comparison.direction() {
            Direction::Greater => ("above", "below"),
            Direction::Less => ("below", "above"),
        };
        let value = effect.estimate.map_or(f64::NAN, |estimate| estimate.value);
        let shown = number::interval(value, interval, effect.unit);
        let none = no_effect(claim, effect.unit);
        let figure = claim
            .paper
            .map_or(String::new(), |paper| number::exact(paper, effect.unit));
        let unsure = match effect.bound {
            Bound::AtMost => format!(
                "; in some pairs {}, so the claim cannot be confirmed",
                weakened(claim.comparison)
            ),
            _ => String::new(),
        };
        let rest = match self {
            Self::Past => format!("lies wholly {claimed} {none} and passes the paper's {figure}"),
            Self::Reaching => {
                format!("lies wholly {claimed} {none} and includes the paper's {figure}")
            }
            Self::Claimed => {
                format!("lies wholly {claimed} {none}, which is all the paper claims")
            }
            Self::Short if effect.bound == Bound::AtLeast => format!(
                "lies wholly {claimed} {none}, but as a bound it does not establish the paper's \
                 {figure}"
            ),
            Self::Short => {
                format!("lies wholly {claimed} {none} but short of the paper's {figure}")
            }
            Self::Other => format!("lies wholly {other} {none}"),
            Self::AcrossShort => {
                format!("includes {none} and falls short of the paper's {figure}")
            }
            Self::Across if claim.paper.is_some() => {
                format!("includes both {none} and the paper's {figure}{unsure}")
            }
            Self::Across => format!("includes {none}{unsure}"),
        };
        format!("The 95% interval {shown} {rest}.")
    }
}

/// Whether a value is finite and on the claimed side of no effect.
fn is_claimed(claim: &Claim, value: f64) -> bool {
    let null = claim.comparison.null();
    value.is_finite()
        && match claim.comparison.direction() {
            Direction::Greater => value > null,
            Direction::Less => value < null,
        }
}

/// `no effect (1x)`.
fn no_effect(claim: &Claim, unit: Unit) -> String {
    format!(
        "no effect ({})",
        number::exact(claim.comparison.null(), unit)
    )
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
