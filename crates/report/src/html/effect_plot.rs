//! An effect as a picture: its interval, the single pairs, no effect and the
//! paper's figure on one axis.
//!
//! Places are in percent of the width, so that letters keep their size on a
//! narrow screen.

use ablate_store::{Claim, Comparison, Direction};

use super::markup::{Markup, element};
use crate::curves::Axis;
use crate::effect::{Bound, Effect};
use crate::report::Report;
use crate::statistics::Interval;
use crate::{notes, number};

/// Heights of the rows, from the top.
const NULL_NAME: f64 = 14.0;
const PAPER_NAME: f64 = 31.0;
const TOP: f64 = 38.0;
const PAIRS: f64 = 54.0;
const INTERVAL: f64 = 76.0;
const BOTTOM: f64 = 94.0;
const TICKS: f64 = 110.0;

/// The picture with its caption; nothing where there is no number to show.
pub(crate) fn render(report: &Report, claim: &Claim, effect: &Effect) -> Markup {
    let Some(estimate) = effect.estimate.filter(|_| effect.bound != Bound::Neither) else {
        return Markup::default();
    };
    let paper = claim.paper.filter(|paper| paper.is_finite());
    let pairs: Vec<f64> = effect.pairs.iter().filter_map(|pair| pair.effect).collect();
    let ends = estimate.interval.into_iter();
    let ends = ends.flat_map(|interval| [interval.low, interval.high]);
    let shown = [claim.comparison.null(), estimate.value]
        .into_iter()
        .chain(paper)
        .chain(ends.filter(|end| end.is_finite()))
        .chain(pairs.iter().copied());
    let plot = Plot::around(shown, claim.comparison);
    let mut inside = plot.scale(claim.comparison);
    if let Some(paper) = paper {
        inside.push(plot.line("paper", (paper, TOP), (paper, BOTTOM)));
        let name = format!("paper: {}", number::exact(paper, effect.unit));
        inside.push(plot.name("name", &name, paper, PAPER_NAME));
    }
    for pair in pairs {
        inside.push(plot.dot("pair", pair, PAIRS, 3.5));
    }
    if let Some(interval) = estimate.interval {
        inside.push(plot.interval(interval));
    }
    inside.push(plot.dot("mean", estimate.value, INTERVAL, 5.5));
    let about = notes::effect_name(report, claim, effect);
    let label = format!("{about}: {}", effect.text());
    let picture = element(
        "svg",
        &[
            ("class", "effect-plot"),
            ("role", "img"),
            ("aria-label", &label),
            ("width", "100%"),
            ("height", "116"),
        ],
        inside,
    );
    element(
        "figure",
        &[],
        [
            picture,
            element(
                "figcaption",
                &[],
                caption(&about, effect.bound, estimate.interval.is_some()),
            ),
        ],
    )
}

fn caption(about: &str, bound: Bound, has_interval: bool) -> String {
    let [open, interval] = match (has_interval, bound) {
        (false, _) => ["", ""],
        (true, Bound::Exact) => ["", ", line: 95% interval"],
        (true, _) => [
            " An end without a bar is open.",
            ", line: 95% interval of the bound",
        ],
    };
    format!(
        "{about}. Large dot: mean over pairs{interval}, small dots: single pairs. Shaded: \
         the side that the paper claims.{open}"
    )
}

/// A range of effects across the whole width.
struct Plot {
    from: f64,
    to: f64,
}

impl Plot {
    /// A range with room around all that is shown.
    fn around(shown: impl Iterator<Item = f64>, comparison: Comparison) -> Self {
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let room = 0.08 * (high - low).max(1e-3);
        let from = match comparison.is_quotient() {
            // A ratio is never below zero.
            true => (low - room).max(0.0),
            false => low - room,
        };
        Self {
            from,
            to: high + room,
        }
    }

    /// The claimed side, the axis with its ticks, and no effect.
    fn scale(&self, comparison: Comparison) -> Markup {
        let null = comparison.null();
        let (side, width) = match comparison.direction() {
            Direction::Greater => (self.at(null), 100.0 - self.at(null)),
            Direction::Less => (0.0, self.at(null)),
        };
        let claimed = [
            ("class", "claimed"),
            ("x", &percent(side)),
            ("y", &TOP.to_string()),
            ("width", &percent(width)),
            ("height", &(BOTTOM - TOP).to_string()),
        ];
        let mut scale = element("rect", &claimed, "");
        for (tick, label) in Axis::between(self.from, self.to).within(self.from, self.to) {
            scale.push(self.name("tick", &label, tick, TICKS));
            scale.push(self.line("axis", (tick, BOTTOM), (tick, BOTTOM + 4.0)));
        }
        scale.push(self.line("axis", (self.from, BOTTOM), (self.to, BOTTOM)));
        scale.push(self.line("null", (null, TOP), (null, BOTTOM)));
        scale.push(self.name("name", "no effect", null, NULL_NAME));
        scale
    }

    /// The interval as far as it is shown, with a bar at each end that it has.
    fn interval(&self, interval: Interval) -> Markup {
        let (low, high) = (interval.low.max(self.from), interval.high.min(self.to));
        let mut drawn = self.line("interval", (low, INTERVAL), (high, INTERVAL));
        for (end, kept) in [(interval.low, low), (interval.high, high)] {
            if end == kept {
                let ends = [INTERVAL - 6.0, INTERVAL + 6.0];
                drawn.push(self.line("interval", (kept, ends[0]), (kept, ends[1])));
            }
        }
        drawn
    }

    /// A place in percent of the width.
    fn at(&self, value: f64) -> f64 {
        (100.0 * (value - self.from) / (self.to - self.from)).clamp(0.0, 100.0)
    }

    fn line(&self, class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
        let attributes = [
            ("class", class),
            ("x1", &percent(self.at(from.0))),
            ("y1", &from.1.to_string()),
            ("x2", &percent(self.at(to.0))),
            ("y2", &to.1.to_string()),
        ];
        element("line", &attributes, "")
    }

    fn dot(&self, class: &str, value: f64, y: f64, radius: f64) -> Markup {
        let attributes = [
            ("class", class),
            ("cx", &percent(self.at(value))),
            ("cy", &y.to_string()),
            ("r", &radius.to_string()),
        ];
        element("circle", &attributes, "")
    }

    /// Letters above or below a place, kept within the width.
    fn name(&self, class: &str, text: &str, value: f64, y: f64) -> Markup {
        let at = self.at(value);
        let anchor = match at {
            at if at < 12.0 => "start",
            at if at > 88.0 => "end",
            _ => "middle",
        };
        let attributes = [
            ("class", class),
            ("x", &percent(at)),
            ("y", &y.to_string()),
            ("text-anchor", anchor),
        ];
        element("text", &attributes, text)
    }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}
