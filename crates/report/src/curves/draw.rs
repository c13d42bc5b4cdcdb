//! The picture on a drawing area of any backend.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::prelude::{
    Cartesian2d, Circle, Cross, DashedLineSeries, DrawingBackend, LineSeries, Polygon, Text, WHITE,
};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::legend;
use super::lines::{Curves, Line, Panel, Point};
use crate::picture::style::{self, FAINT, GRID, INK};
use crate::picture::{
    Area, CAPTION_ROW, Drawn, LETTERS, MARGIN, Picture, SMALL, Scale, TITLE, WIDTH, letter,
};
use crate::reading;

/// Room above the axes, for a panel's title.
const HEAD: f64 = 36.0;
/// Room left of the axes, inside the margin.
const LEFT: f64 = 54.0;
/// Room right of the axes, for half of the last label.
const RIGHT: f64 = 22.0;
const PANELS: f64 = 350.0;

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;

impl Picture for Curves {
    fn height(&self) -> u32 {
        let rows = legend::rows(self).len() as f64;
        let captions = legend::caption(self).len() as f64;
        (panels_height(self) + legend::ROW * rows + CAPTION_ROW * captions + MARGIN) as u32
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>, scale: Scale) -> Drawn<B> {
        area.fill(&WHITE)?;
        let (panels, below) = area.split_vertically(scale.px(panels_height(self)));
        let epochs = Axis::epochs(&self.panels);
        let parts = panels.split_evenly((self.panels.len().div_ceil(2), 2));
        for (part, panel) in parts.iter().zip(&self.panels) {
            draw_panel(part, panel, &epochs, scale)?;
        }
        legend::draw(&below, self, scale)?;
        area.present()
    }
}

/// Height of the rows of panels, one a metric, with a margin below each.
fn panels_height(curves: &Curves) -> f64 {
    (PANELS + MARGIN) * curves.panels.len().div_ceil(2) as f64
}

fn draw_panel<B: DrawingBackend>(
    area: &Area<B>,
    panel: &Panel,
    epochs: &Axis,
    scale: Scale,
) -> Drawn<B> {
    let values = Axis::values(panel);
    // Over the middle of the axes, which plotters' own captions are not.
    let middle = f64::from(WIDTH) / 4.0 + (MARGIN + LEFT - RIGHT) / 2.0;
    letter(
        area,
        panel.title(),
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
        .build_cartesian_2d(epochs.clone(), values.clone())?;
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
        .y_desc(panel.metric.label())
        .draw()?;
    if let Some(target) = panel.target {
        let ends = [(epochs.from, target), (epochs.to, target)];
        chart.draw_series(LineSeries::new(ends, scale.stroke(FAINT, 1.0)))?;
    }
    // Bands lie under every line.
    for line in &panel.lines {
        draw_band(&mut chart, line, &values)?;
    }
    // The treatment, first of the lines, is drawn last, on top.
    for line in panel.lines.iter().rev() {
        draw_line(&mut chart, line, panel.range(), scale)?;
    }
    let is_empty = |line: &Line| line.mean.is_empty() && line.seeds.is_empty();
    if panel.lines.iter().all(is_empty) {
        let middle = (
            f64::midpoint(epochs.from, epochs.to),
            f64::midpoint(values.from, values.to),
        );
        let centred = scale
            .letters(LETTERS, FAINT)
            .pos(Pos::new(HPos::Center, VPos::Center));
        let name = reading::metric_name(&panel.metric.name);
        let text = Text::new(format!("no {name} was recorded"), middle, centred);
        chart.draw_series([text])?;
    }
    Ok(())
}

fn draw_band<B: DrawingBackend>(chart: &mut Chart<B>, line: &Line, values: &Axis) -> Drawn<B> {
    let inside = |y: f64| y.clamp(values.from, values.to);
    let upper = line.band.iter().map(|(x, _, high)| (*x, inside(*high)));
    let lower = line.band.iter().rev().map(|(x, low, _)| (*x, inside(*low)));
    let outline: Vec<Point> = upper.chain(lower).collect();
    if line.band.len() > 1 {
        let fill = style::colour(line.style).mix(style::BAND).filled();
        chart.draw_series([Polygon::new(outline, fill)])?;
    }
    Ok(())
}

fn draw_line<B: DrawingBackend>(
    chart: &mut Chart<B>,
    line: &Line,
    (least, most): (f64, f64),
    scale: Scale,
) -> Drawn<B> {
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
        let bar = [(x, low.max(least)), (x, high.min(most))];
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
