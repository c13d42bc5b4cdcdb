//! The legend and caption below the panels, where they cover nothing.

use plotters::prelude::{DrawingBackend, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, ShapeStyle};

use super::lines::Curves;
use crate::number::{self, Unit};
use crate::picture::style::{self, FAINT, INK};
use crate::picture::{
    Area, CAPTION, CAPTION_ROW, Drawn, LETTERS, MARGIN, SMALL, Scale, WIDTH, letter, text_width,
};
use crate::text::{clip, wrap};

/// Height of a row of entries.
pub(crate) const ROW: f64 = 24.0;

/// Length of a sample line.
const SAMPLE: f64 = 40.0;
/// Between a sample and its name.
const NEAR: f64 = 8.0;
/// Between two entries.
const APART: f64 = 28.0;

/// A sample and what it stands for.
pub(crate) struct Entry {
    sample: Sample,
    name: String,
    width: f64,
}

#[derive(Clone, Copy)]
enum Sample {
    Variant { style: usize, banded: bool },
    Target,
}

/// Draws the entries, centred, and the caption under them.
pub(crate) fn draw<B: DrawingBackend>(area: &Area<B>, curves: &Curves, scale: Scale) -> Drawn<B> {
    let mut y = ROW / 2.0;
    for row in rows(curves) {
        let width = row.iter().map(|entry| entry.width).sum::<f64>() - APART;
        let mut x = (f64::from(WIDTH) - width) / 2.0;
        for entry in row {
            draw_sample(area, entry.sample, (x, y), scale)?;
            let at = (x + SAMPLE + NEAR, y);
            letter(area, &entry.name, at, HPos::Left, (LETTERS, INK), scale)?;
            x += entry.width;
        }
        y += ROW;
    }
    for line in caption(curves) {
        let at = (f64::from(WIDTH) / 2.0, y);
        letter(area, &line, at, HPos::Center, (SMALL, FAINT), scale)?;
        y += CAPTION_ROW;
    }
    Ok(())
}

/// The entries in as many rows as the width needs.
pub(crate) fn rows(curves: &Curves) -> Vec<Vec<Entry>> {
    let variants = curves.legend.iter().map(|entry| {
        let sample = Sample::Variant {
            style: entry.style,
            banded: entry.banded,
        };
        (sample, entry.name.clone())
    });
    let targets = curves.panels.iter().filter_map(|panel| panel.target);
    let target = targets.map(|percent| {
        let percent = number::exact(percent / 100.0, Unit::Percent);
        (Sample::Target, format!("target ({percent})"))
    });
    let mut rows: Vec<Vec<Entry>> = vec![Vec::new()];
    let mut used = 0.0;
    for (sample, name) in variants.chain(target) {
        let name = clip(&name, 60);
        let width = SAMPLE + NEAR + text_width(&name, LETTERS) + APART;
        if used > 0.0 && used + width - APART > f64::from(WIDTH) - 2.0 * MARGIN {
            rows.push(Vec::new());
            used = 0.0;
        }
        used += width;
        if let Some(row) = rows.last_mut() {
            row.push(Entry {
                sample,
                name,
                width,
            });
        }
    }
    rows
}

/// The caption's lines.
pub(crate) fn caption(curves: &Curves) -> Vec<String> {
    let lines = wrap(&curves.caption, CAPTION, 0);
    lines.lines().map(String::from).collect()
}

fn draw_sample<B: DrawingBackend>(
    area: &Area<B>,
    sample: Sample,
    (x, y): (f64, f64),
    scale: Scale,
) -> Drawn<B> {
    let line = |from: f64, to: f64, stroke: ShapeStyle| {
        let ends = [from, to].map(|x| (scale.px(x), scale.px(y)));
        area.draw(&PathElement::new(ends, stroke))
    };
    let (index, banded) = match sample {
        Sample::Target => return line(x, x + SAMPLE, scale.stroke(FAINT, 1.0)),
        Sample::Variant { style, banded } => (style, banded),
    };
    let colour = style::colour(index);
    if banded {
        let corners = [(x, y - 6.0), (x + SAMPLE, y + 6.0)];
        let corners = corners.map(|(x, y)| (scale.px(x), scale.px(y)));
        area.draw(&Rectangle::new(corners, colour.mix(style::BAND).filled()))?;
    }
    let (dash, space) = style::dashes(index).unwrap_or((SAMPLE, 0.0));
    let mut from = x;
    while from < x + SAMPLE {
        let to = (from + dash).min(x + SAMPLE);
        line(from, to, scale.stroke(colour, 2.0))?;
        from += dash + space;
    }
    Ok(())
}
