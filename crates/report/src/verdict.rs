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
        Ok(interval) => weigh(claim, effect, interval),
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

/// Sets the interval against no effect and the paper's figure.
fn weigh(claim: &Claim, effect: &Effect, interval: Interval) -> (Verdict, String) {
    let mirror = claim.comparison.direction() == Direction::Less;
    let oriented = if mirror {
        interval.mirrored()
    } else {
        interval
    };
    let orient = |value: f64| if mirror { -value } else { value };
    let null = orient(claim.comparison.null());
    let paper = claim.paper.map(orient);
    let (claimed, other) = if mirror {
        ("below", "above")
    } else {
        ("above", "below")
    };

    let value = effect.estimate.map_or(f64::NAN, |estimate| estimate.value);
    let shown = number::interval(value, interval, effect.unit);
    let none = no_effect(claim, effect.unit);
    let figure = claim
        .paper
        .map_or(String::new(), |paper| number::exact(paper, effect.unit));
    let start = format!("The 95% interval {shown}");

    if oriented.low > null {
        let on_side = format!("{start} lies wholly {claimed} {none}");
        // An open end reaches nothing.
        let reach = if effect.bound == Bound::AtLeast {
            oriented.low
        } else {
            oriented.high
        };
        return match paper {
            None => (
                Verdict::Reproduced,
                format!("{on_side}, which is all the paper claims."),
            ),
            Some(paper) if oriented.low > paper => (
                Verdict::Reproduced,
                format!("{on_side} and passes the paper's {figure}."),
            ),
            Some(paper) if reach >= paper => (
                Verdict::Reproduced,
                format!("{on_side} and includes the paper's {figure}."),
            ),
            Some(_) if effect.bound == Bound::AtLeast => (
                Verdict::SameDirection,
                format!("{on_side}, but as a bound it does not establish the paper's {figure}."),
            ),
            Some(_) => (
                Verdict::SameDirection,
                format!("{on_side} but short of the paper's {figure}."),
            ),
        };
    }
    if oriented.high < null {
        return (
            Verdict::NotReproduced,
            format!("{start} lies wholly {other} {none}."),
        );
    }
    let unsure = match effect.bound {
        Bound::AtMost => format!(
            "; in some pairs {}, so the claim cannot be confirmed",
            weakened(claim.comparison)
        ),
        _ => String::new(),
    };
    match paper {
        Some(paper) if oriented.high < paper => (
            Verdict::NotReproduced,
            format!("{start} includes {none} and falls short of the paper's {figure}."),
        ),
        Some(_) => (
            Verdict::Inconclusive,
            format!("{start} includes both {none} and the paper's {figure}{unsure}."),
        ),
        None => (
            Verdict::Inconclusive,
            format!("{start} includes {none}{unsure}."),
        ),
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
