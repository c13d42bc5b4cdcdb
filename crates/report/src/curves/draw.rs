//! The picture on a drawing area of any backend.
//!
//! Lengths are in units of the SVG's pixels; [`Scale`] turns them into the
//! backend's, so a bitmap several times the size shows the same.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::prelude::{
    Cartesian2d, Circle, Cross, DashedLineSeries, DrawingArea, DrawingAreaErrorKind,
    DrawingBackend, LineSeries, Polygon, Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

use super::axis::Axis;
use super::legend;
use super::lines::{Curves, Line, Panel, Point};
use super::style::{self, FAINT, GRID, INK, Scale};

/// Width of the picture.
pub(crate) const WIDTH: u32 = 920;

pub(crate) const MARGIN: f64 = 14.0;
/// Room above the axes, for a panel's title.
const HEAD: f64 = 36.0;
/// Room left of the axes, inside the margin.
const LEFT: f64 = 54.0;
/// Room right of the axes, for half of the last label.
const RIGHT: f64 = 22.0;
const PANELS: f64 = 350.0;
const TITLE: f64 = 15.0;
pub(crate) const LETTERS: f64 = 13.0;
pub(crate) const SMALL: f64 = 12.0;

pub(crate) type Area<B> = DrawingArea<B, Shift>;
type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;
pub(crate) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Height of the picture: the panels, the legend and the caption.
pub(crate) fn height(curves: &Curves) -> u32 {
    let rows = legend::rows(curves).len() as f64;
    let captions = legend::caption(curves).len() as f64;
    (PANELS + legend::ROW * rows + legend::CAPTION_ROW * captions + 2.0 * MARGIN) as u32
}

/// Draws the whole picture.
pub(crate) fn draw<B: DrawingBackend>(area: &Area<B>, curves: &Curves, scale: Scale) -> Drawn<B> {
    area.fill(&WHITE)?;
    let (panels, below) = area.split_vertically(scale.px(PANELS + MARGIN));
    let epochs = Axis::epochs(&curves.panels);
    for (part, panel) in panels.split_evenly((1, 2)).iter().zip(&curves.panels) {
        draw_panel(part, panel, &epochs, scale)?;
    }
    legend::draw(&below, curves, scale)?;
    area.present()
}

fn draw_panel<B: DrawingBackend>(
    area: &Area<B>,
    panel: &Panel,
    epochs: &Axis,
    scale: Scale,
) -> Drawn<B> {
    let errors = Axis::errors(panel);
    // Over the middle of the axes, which plotters' own captions are not.
    let middle = f64::from(WIDTH) / 4.0 + (MARGIN + LEFT - RIGHT) / 2.0;
    letter(
        area,
        panel.title,
        (middle, HEAD / 2.0 + 2.0),
        HPos::Center,
        (TITLE, INK),
        scale,
    )?;
    let mut chart = ChartBuilder::on(area)
        .margin(scale.px(MARGIN))
        .margin_top(scale.px(HEAD))
        .margin_right(scale.px(RIGHT))
        .x_label_area_size(scale.px(40.0))
        .y_label_area_size(scale.px(LEFT))
        .build_cartesian_2d(epochs.clone(), errors.clone())?;
    chart
        .configure_mesh()
        .bold_line_style(scale.stroke(GRID, 1.0))
        .light_line_style(GRID.mix(0.0))
        .axis_style(scale.stroke(INK, 1.0))
        .set_all_tick_mark_size(scale.px(4.0))
        .label_style(scale.letters(SMALL, INK))
        .y_label_offset(scale.px(scale.sink * SMALL))
        .axis_desc_style(scale.letters(LETTERS, INK))
        .x_desc("Epochs")
        .y_desc("Top-1 error (%)")
        .draw()?;
    if let Some(target) = panel.target {
        let ends = [(epochs.from, target), (epochs.to, target)];
        chart.draw_series(LineSeries::new(ends, scale.stroke(FAINT, 1.0)))?;
    }
    // Bands lie under every line.
    for line in &panel.lines {
        draw_band(&mut chart, line, &errors)?;
    }
    // The treatment, first of the lines, is drawn last, on top.
    for line in panel.lines.iter().rev() {
        draw_line(&mut chart, line, scale)?;
    }
    let is_empty = |line: &Line| line.mean.is_empty() && line.seeds.is_empty();
    if panel.lines.iter().all(is_empty) {
        let middle = (
            f64::midpoint(epochs.from, epochs.to),
            f64::midpoint(errors.from, errors.to),
        );
        let centred = scale
            .letters(LETTERS, FAINT)
            .pos(Pos::new(HPos::Center, VPos::Center));
        let text = Text::new("no top-1 error was recorded", middle, centred);
        chart.draw_series([text])?;
    }
    Ok(())
}

fn draw_band<B: DrawingBackend>(chart: &mut Chart<B>, line: &Line, errors: &Axis) -> Drawn<B> {
    let inside = |y: f64| y.clamp(errors.from, errors.to);
    let upper = line.band.iter().map(|(x, _, high)| (*x, inside(*high)));
    let lower = line.band.iter().rev().map(|(x, low, _)| (*x, inside(*low)));
    let outline: Vec<Point> = upper.chain(lower).collect();
    if line.band.len() > 1 {
        let fill = style::colour(line.style).mix(style::BAND).filled();
        chart.draw_series([Polygon::new(outline, fill)])?;
    }
    Ok(())
}

fn draw_line<B: DrawingBackend>(chart: &mut Chart<B>, line: &Line, scale: Scale) -> Drawn<B> {
    let colour = style::colour(line.style);
    for seed in &line.seeds {
        let thin = scale.stroke(colour.mix(0.5), 1.0);
        chart.draw_series(LineSeries::new(seed.iter().copied(), thin))?;
    }
    let stroke = scale.stroke(colour, 2.0);
    match style::dashes(line.style) {
        None => chart.draw_series(LineSeries::new(line.mean.iter().copied(), stroke))?,
        Some((dash, space)) => chart.draw_series(DashedLineSeries::new(
            line.mean.iter().copied(),
            scale.size(dash),
            scale.size(space),
            stroke,
        ))?,
    };
    // One epoch has neither line nor band, so its point and range are marked.
    if let [(x, low, high)] = *line.band.as_slice() {
        let bar = [(x, low.max(0.0)), (x, high.min(100.0))];
        chart.draw_series(LineSeries::new(bar, scale.stroke(colour.mix(0.5), 2.0)))?;
    }
    if let [only] = line.mean.as_slice() {
        chart.draw_series([Circle::new(*only, scale.size(3.0), colour.filled())])?;
    }
    let crosses = line
        .diverged
        .iter()
        .map(|at| Cross::new(*at, scale.size(4.0), scale.stroke(colour, 2.0)));
    chart.draw_series(crosses)?;
    if let Some(at) = line.crossing {
        chart.draw_series([
            Circle::new(at, scale.size(5.5), WHITE.filled()),
            Circle::new(at, scale.size(4.0), colour.filled()),
        ])?;
    }
    Ok(())
}

/// Letters at a place given in units, centred vertically.
pub(crate) fn letter<B: DrawingBackend>(
    area: &Area<B>,
    text: &str,
    (x, y): (f64, f64),
    anchor: HPos,
    (height, colour): (f64, RGBColor),
    scale: Scale,
) -> Drawn<B> {
    let style = scale
        .letters(height, colour)
        .pos(Pos::new(anchor, VPos::Center));
    let at = (scale.px(x), scale.px(y + scale.sink * height));
    area.draw(&Text::new(text, at, style))
}
