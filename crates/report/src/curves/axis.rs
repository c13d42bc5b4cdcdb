//! Ranges and ticks a reader can count by.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::lines::Panel;

/// A range of values with the places to label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) ticks: Vec<f64>,
}

impl Axis {
    /// Epochs from 0 to the last one drawn, in whole steps.
    pub(crate) fn epochs(panels: &[Panel]) -> Self {
        let all = panels.iter().flat_map(points);
        let last = all.map(|point| point.0).fold(1.0, f64::max).ceil();
        let step = step(last, 8.0).max(1.0);
        Self {
            from: 0.0,
            to: last,
            ticks: ticks(0.0, last, step),
        }
    }

    /// Values around everything a panel shows. Starts at zero where
    /// that does not flatten the curves.
    pub(crate) fn values(panel: &Panel) -> Self {
        let (least, most) = panel.range();
        let bands = panel.lines.iter().flat_map(|line| &line.band);
        let edges = bands.flat_map(|(_, low, high)| [low.max(least), high.min(most)]);
        // A target on the very edge would be taken for the axis.
        let target = panel.target.into_iter().flat_map(|t| [t - 1.0, t + 1.0]);
        let drawn: Vec<f64> = points(panel).map(|point| point.1).chain(edges).collect();
        if drawn.is_empty() {
            return Self::between(0.0, if most.is_finite() { most } else { 1.0 });
        }
        let values: Vec<f64> = drawn
            .into_iter()
            .chain(target.map(|t| t.max(0.0)))
            .collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match low < 0.5 * high || low <= 0.0 {
            true => Self::between(low.min(0.0), high),
            false => Self::between(low, high),
        }
    }

    /// Whole steps around `low` to `high`.
    pub(crate) fn between(low: f64, high: f64) -> Self {
        let size = low.abs().max(high.abs());
        // A range of no width, rounding aside, is given one.
        let length = match high - low {
            width if width > 1e-6 * size => width,
            _ => (0.1 * size).max(0.1),
        };
        let step = step(length, 6.0);
        let from = (low / step).floor() * step;
        let to = ((high / step).ceil() * step).max(from + step);
        Self {
            from,
            to,
            ticks: ticks(from, to, step),
        }
    }

    /// A tick as text, with the decimals that tell it from its neighbours.
    fn label(&self, tick: f64) -> String {
        let step = match self.ticks.as_slice() {
            [first, second, ..] => second - first,
            _ => 1.0,
        };
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{:.decimals$}", tick + 0.0)
    }

    /// The ticks within a range, each with its text.
    pub(crate) fn within(&self, from: f64, to: f64) -> Vec<(f64, String)> {
        let inside = self.ticks.iter().filter(|tick| (from..=to).contains(*tick));
        inside.map(|tick| (*tick, self.label(*tick))).collect()
    }
}

/// Plotters' own ranges choose ticks of their own.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        self.label(*tick)
    }
}

fn points(panel: &Panel) -> impl Iterator<Item = super::lines::Point> {
    panel.lines.iter().flat_map(|line| {
        let seeds = line.seeds.iter().flatten();
        line.mean.iter().chain(seeds).chain(&line.crossing).copied()
    })
}

/// The least of 1, 2, 5, 10, 20, ... (and their tenths) with at most `most`
/// steps in `length`.
fn step(length: f64, most: f64) -> f64 {
    let rough = length / most;
    let power = 10_f64.powf(rough.log10().floor());
    let fits = |factor: &f64| factor * power >= rough * (1.0 - 1e-9);
    let factor = [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0);
    factor * power
}

fn ticks(from: f64, to: f64, step: f64) -> Vec<f64> {
    let count = ((to - from) / step + 1e-9).floor() as usize;
    (0..=count)
        .map(|index| from + step * index as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curves::lines::Line;
    use crate::curves::metric::{Metric, Split};

    fn panel(errors: &[f64]) -> Panel {
        let mean = errors.iter().enumerate();
        Panel {
            metric: Metric {
                name: "top1_error".to_string(),
                split: Split::Training,
            },
            lines: vec![Line {
                mean: mean
                    .map(|(index, error)| (index as f64 + 0.5, *error))
                    .collect(),
                ..Line::default()
            }],
            target: None,
        }
    }

    #[test]
    fn epochs_are_counted_in_whole_numbers() {
        let axis = |count: usize| Axis::epochs(&[panel(&vec![50.0; count])]);
        assert_eq!(axis(1).ticks, [0.0, 1.0]);
        assert_eq!(axis(0).ticks, [0.0, 1.0]);
        assert_eq!(axis(5).ticks, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(axis(60).ticks, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(axis(60).to, 60.0);
    }

    #[test]
    fn values_start_at_zero_unless_that_flattens_them() {
        assert_eq!(Axis::values(&panel(&[75.0, 20.0])).from, 0.0);
        let narrow = Axis::values(&panel(&[41.3, 39.2]));
        assert_eq!((narrow.from, narrow.to), (39.0, 41.5));
        assert_eq!(narrow.label(39.5), "39.5");
        let none = Axis::values(&panel(&[]));
        assert_eq!((none.from, none.to), (0.0, 100.0));
        let flat = Axis::values(&panel(&[10.0, 10.0]));
        assert!(flat.from <= 10.0 && flat.to > flat.from);
        let mut high = panel(&[41.3, 39.2]);
        high.target = Some(25.0);
        assert!(Axis::values(&high).from < 25.0);
        let zero = Axis::values(&panel(&[0.0]));
        assert!(zero.from == 0.0 && zero.to > 0.0);
    }

    #[test]
    fn small_numbers_have_ticks_too() {
        // Differences of losses, as an effect plot has them.
        let effect = Axis::between(-0.0101, 0.0073);
        let labels: Vec<String> = effect
            .within(-0.0115, 0.0087)
            .into_iter()
            .map(|(_, label)| label)
            .collect();
        assert_eq!(labels, ["-0.010", "-0.005", "0.000", "0.005"]);
        let losses = Axis::values(&panel(&[0.03, 0.002]));
        assert_eq!((losses.from, losses.ticks.len()), (0.0, 7));
        let rounding = Axis::between(0.1 + 0.2, 0.3);
        assert!(rounding.to - rounding.from < 0.1 && rounding.to > rounding.from);
    }
}
