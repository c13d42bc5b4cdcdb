//! The picture: how many times as fast as PyTorch each case is, on a scale where
//! twice and half as fast are equally far from 1.

use std::io::Cursor;

use anyhow::{Result, anyhow};
use image::imageops::thumbnail;
use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::results::{BUSY, Results};

/// A pair of bars.
pub struct Bar {
    label: String,
    ours: f64,
    stock: Option<f64>,
}

/// The picture's rows and its heading.
pub struct Bars {
    title: String,
    rows: Vec<Bar>,
}

const FONT: &[u8] = include_bytes!("../../../crates/report/fonts/DejaVuSans.ttf");
const FAMILY: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

const WIDTH: u32 = 800;
const LABELS: f64 = 210.0;
const ROW: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 40.0;
/// Pixels of the PNG for one of the SVG, and how much larger it is drawn.
const RESOLUTION: u32 = 2;
const OVERSAMPLING: u32 = 2;

const OURS: RGBColor = RGBColor(0, 114, 178);
const STOCK: RGBColor = RGBColor(213, 94, 0);
const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// What is drawn: the cases PyTorch was measured on. `None` where there are none.
pub fn bars(results: &Results) -> Option<Bars> {
    let rows: Vec<_> = results
        .rows
        .iter()
        .filter_map(|row| {
            Some(Bar {
                label: row.label(),
                ours: row.speed(&row.ours)?,
                stock: row.speed(&row.stock),
            })
        })
        .collect();
    let threads = match results.threads {
        1 => "1 thread".to_string(),
        threads => format!("{threads} threads"),
    };
    let mut title = format!(
        "Speed relative to PyTorch; {}, {threads}",
        results.environment.processor
    );
    if results.quick {
        title.push_str("; a quick look");
    }
    if results.load.is_some_and(|load| load > BUSY) {
        title.push_str("; busy machine");
    }
    (!rows.is_empty()).then_some(Bars { title, rows })
}

/// The picture as SVG.
///
/// # Errors
/// It cannot be drawn.
pub fn svg(bars: &Bars) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (WIDTH, height(bars))).into_drawing_area();
    draw(&area, bars, 1.0)?;
    drop(area);
    Ok(text)
}

/// The picture as PNG.
///
/// # Errors
/// It cannot be drawn or encoded.
pub fn png(bars: &Bars) -> Result<Vec<u8>> {
    let factor = RESOLUTION * OVERSAMPLING;
    let mut pixels = RgbImage::new(WIDTH * factor, height(bars) * factor);
    let size = pixels.dimensions();
    let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
    draw(&area, bars, f64::from(factor))?;
    drop(area);
    let small = thumbnail(&pixels, WIDTH * RESOLUTION, height(bars) * RESOLUTION);
    let mut bytes = Cursor::new(Vec::new());
    small.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn height(bars: &Bars) -> u32 {
    (TOP + ROW * bars.rows.len() as f64 + BOTTOM) as u32
}

/// Doublings from 1 at the left and right edge.
fn range(bars: &Bars) -> [f64; 2] {
    let speeds = bars.rows.iter().flat_map(|bar| [Some(bar.ours), bar.stock]);
    let doublings = speeds.flatten().map(f64::log2);
    let (low, high) = doublings.fold((-1.0, 1.0), |(low, high): (f64, f64), value| {
        (low.min(value), high.max(value))
    });
    [low.floor(), high.ceil()]
}

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, bars: &Bars, factor: f64) -> Result<()> {
    let failed = |error: DrawingAreaErrorKind<B::ErrorType>| anyhow!("cannot draw: {error}");
    register_font(FAMILY, FontStyle::Normal, FONT)
        .map_err(|_| anyhow!("the embedded font cannot be read"))?;
    let px = |length: f64| (length * factor).round() as i32;
    let letters = |size: f64, h, v| {
        let style = TextStyle::from((FAMILY, size * factor)).color(&INK);
        style.pos(Pos::new(h, v))
    };
    area.fill(&WHITE).map_err(failed)?;
    let [low, high] = range(bars);
    let end = TOP + ROW * bars.rows.len() as f64;
    let x = |speed: f64| {
        let share = (speed.log2() - low) / (high - low);
        LABELS + share * (f64::from(WIDTH) - LABELS - 30.0)
    };
    let text = |text: &str, at: (f64, f64), style: &TextStyle| {
        area.draw_text(text, style, (px(at.0), px(at.1)))
            .map_err(failed)
    };
    let rectangle = |from: (f64, f64), to: (f64, f64), colour: RGBColor| {
        let corners = [(px(from.0), px(from.1)), (px(to.0), px(to.1))];
        area.draw(&Rectangle::new(corners, colour.filled()))
            .map_err(failed)
    };

    text(
        &bars.title,
        (12.0, 14.0),
        &letters(13.0, HPos::Left, VPos::Center),
    )?;
    for (colour, name, at) in [
        (OURS, "ours", LABELS),
        (STOCK, "stock candle", LABELS + 80.0),
    ] {
        rectangle((at, 31.0), (at + 12.0, 39.0), colour)?;
        text(
            name,
            (at + 18.0, 35.0),
            &letters(11.0, HPos::Left, VPos::Center),
        )?;
    }
    for doublings in low as i32..=high as i32 {
        let speed = 2f64.powi(doublings);
        let (thickness, colour) = if doublings == 0 {
            (1.0, INK)
        } else {
            (0.5, GRID)
        };
        rectangle(
            (x(speed) - thickness, TOP),
            (x(speed) + thickness, end),
            colour,
        )?;
        let label = match doublings {
            ..0 => format!("1/{}x", 2f64.powi(-doublings)),
            _ => format!("{speed}x"),
        };
        text(
            &label,
            (x(speed), end + 14.0),
            &letters(11.0, HPos::Center, VPos::Center),
        )?;
    }
    for (index, bar) in bars.rows.iter().enumerate() {
        let top = TOP + ROW * index as f64;
        let style = letters(11.0, HPos::Right, VPos::Center);
        text(&bar.label, (LABELS - 8.0, top + ROW / 2.0), &style)?;
        let speeds = [(Some(bar.ours), OURS, 3.0), (bar.stock, STOCK, 10.0)];
        for (speed, colour, offset) in speeds {
            if let Some(speed) = speed {
                let (from, to) = (x(speed.min(1.0)), x(speed.max(1.0)));
                rectangle((from, top + offset), (to, top + offset + 7.0), colour)?;
            }
        }
    }
    Ok(())
}
