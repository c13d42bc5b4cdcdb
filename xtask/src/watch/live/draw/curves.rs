//! A number over the epochs, a curve a trial, in its variant's colour.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use super::{Scene, colour, faint};
use crate::watch::live::measured::Measured;

/// More curves than this are a blot, and slow to draw: of the others only the
/// newest are shown, beside the selected.
const CURVES: usize = 40;

/// A trial's curve.
struct Curve {
    points: Vec<(f64, f64)>,
    variant: usize,
    is_selected: bool,
}

pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let measured = scene.view.measured(scene.board);
    let block = Block::bordered()
        .border_style(faint())
        .title(title(scene, measured));
    let curves = curves(scene, measured);
    let bounds = bounds(curves.iter().flat_map(|curve| &curve.points));
    let Some([low, high]) = bounds else {
        let empty = Paragraph::new("nothing measured yet")
            .style(faint())
            .alignment(Alignment::Center)
            .block(block);
        frame.render_widget(empty, area);
        return;
    };
    let epochs = scene.board.rows.iter().map(|row| row.epochs()).max();
    let epochs = epochs.unwrap_or(1) as f64;
    let datasets = curves.iter().map(|curve| {
        let style = Style::new().fg(colour(curve.variant));
        Dataset::default()
            .data(&curve.points)
            .marker(Marker::Braille)
            .graph_type(match curve.points.len() {
                // A line needs two ends.
                1 => GraphType::Scatter,
                _ => GraphType::Line,
            })
            .style(match curve.is_selected {
                true => style.add_modifier(Modifier::BOLD),
                false => style.add_modifier(Modifier::DIM),
            })
    });
    let across = Axis::default()
        .bounds([0.0, epochs])
        .labels([
            "0".to_string(),
            format!("{:.0}", epochs / 2.0),
            format!("epoch {epochs:.0}"),
        ])
        .style(faint());
    let up = Axis::default()
        .bounds([low, high])
        .labels([low, 0.5 * (low + high), high].map(|value| number(value, high - low)))
        .style(faint());
    let chart = Chart::new(datasets.collect())
        .block(block)
        .x_axis(across)
        .y_axis(up)
        .legend_position(None);
    frame.render_widget(chart, area);
}

/// What is shown, and which colour is which variant.
fn title<'a>(scene: &Scene, measured: &Measured) -> Line<'a> {
    let mut parts = vec![Span::raw(format!(" {} ", measured.title()))];
    for (place, variant) in scene.board.variants.iter().enumerate() {
        parts.push(Span::styled(
            format!(" \u{25cf} {variant} "),
            Style::new().fg(colour(place)),
        ));
    }
    Line::from(parts)
}

/// The curves to draw, the selected trial's last and so on top.
fn curves(scene: &Scene, measured: &Measured) -> Vec<Curve> {
    let selected = scene.view.selected(scene.board);
    let mut curves: Vec<Curve> = Vec::new();
    for (place, row) in scene.board.rows.iter().enumerate().rev() {
        let is_selected = place == selected;
        if curves.len() >= CURVES && !is_selected {
            continue;
        }
        let points = row.curve(measured);
        if !points.is_empty() {
            curves.push(Curve {
                points,
                variant: row.variant,
                is_selected,
            });
        }
    }
    curves.sort_by_key(|curve| curve.is_selected);
    curves
}

/// The least and the largest value with a little room; `None` where there is none.
fn bounds<'a>(points: impl Iterator<Item = &'a (f64, f64)>) -> Option<[f64; 2]> {
    let values = points.map(|(_, value)| *value);
    let range = values.fold(None, |range: Option<[f64; 2]>, value| {
        let [low, high] = range.unwrap_or([value, value]);
        Some([low.min(value), high.max(value)])
    });
    let [low, high] = range?;
    let room = match high > low {
        true => 0.04 * (high - low),
        // One value alone: any room shows it in the middle.
        false => (0.05 * high.abs()).max(1e-9),
    };
    Some([low - room, high + room])
}

/// With the digits that tell values apart where the axis spans `span`.
fn number(value: f64, span: f64) -> String {
    let digits = (1.5 - span.log10()).ceil().clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_room_and_as_many_digits_as_it_needs() {
        assert_eq!(bounds([].iter()), None);
        assert_eq!(bounds([(0.0, 1.0), (1.0, 2.0)].iter()), Some([0.96, 2.04]));
        let [low, high] = bounds([(0.0, 0.0)].iter()).expect("bounds");
        assert!(low < 0.0 && high > 0.0);
        assert_eq!(number(2.04, 1.08), "2.04");
        assert_eq!(number(61.4, 40.0), "61");
        assert_eq!(number(2010.0, 500.0), "2010");
        assert_eq!(number(0.0125, 0.01), "0.0125");
    }
}
