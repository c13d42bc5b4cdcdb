//! The picture: how many times as fast as PyTorch in float32 each case is, on a
//! scale where twice and half as fast are equally far from 1.

use std::io::Cursor;

use ablate_core::Precision;
use anyhow::{Result, anyhow};
use image::imageops::thumbnail;
use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::results::{BUSY, Results, Row, speed};

/// The picture's sections and its heading.
pub struct Bars {
    title: String,
    sections: Vec<Section>,
}

/// Rows under a heading.
struct Section {
    name: &'static str,
    rows: Vec<Group>,
}

/// The bars of one case.
struct Group {
    label: String,
    /// Who, and how many times as fast.
    bars: Vec<(Who, f64)>,
}

/// Whose bar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ours,
    OursBf16,
    TorchBf16,
    Stock,
}

impl Who {
    const ALL: [Self; 4] = [Self::Ours, Self::OursBf16, Self::TorchBf16, Self::Stock];

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours, float32",
            Self::OursBf16 => "ours, bfloat16",
            Self::TorchBf16 => "PyTorch, bfloat16",
            Self::Stock => "stock candle, float32",
        }
    }

    /// Colours that also the colour-blind tell apart (Okabe and Ito).
    fn colour(self) -> RGBColor {
        match self {
            Self::Ours => RGBColor(0, 114, 178),
            Self::OursBf16 => RGBColor(86, 180, 233),
            Self::TorchBf16 => RGBColor(150, 150, 150),
            Self::Stock => RGBColor(213, 94, 0),
        }
    }
}

const FONT: &[u8] = include_bytes!("../../../crates/report/fonts/DejaVuSans.ttf");
const FAMILY: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

const WIDTH: u32 = 800;
const LABELS: f64 = 210.0;
const BAR: f64 = 6.0;
/// Between the bars of two cases.
const GAP: f64 = 9.0;
const HEADING: f64 = 26.0;
const TOP: f64 = 56.0;
/// Of the numbers under a section.
const SCALE: f64 = 26.0;
const BOTTOM: f64 = 8.0;
/// Pixels of the PNG for one of the SVG, and how much larger it is drawn.
const RESOLUTION: u32 = 2;
const OVERSAMPLING: u32 = 2;

const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// What is drawn: the cases PyTorch was measured on. `None` where there are none.
pub fn bars(results: &Results) -> Option<Bars> {
    let section = |name, networks| Section {
        name,
        rows: results
            .rows_of(networks, Precision::F32)
            .filter_map(|row| group(results, row))
            .collect(),
    };
    let mut sections = vec![section("Networks", true), section("Operators", false)];
    sections.retain(|section| !section.rows.is_empty());
    let threads = match results.threads {
        1 => "1 thread".to_string(),
        threads => format!("{threads} threads"),
    };
    let mut title = format!(
        "Speed relative to PyTorch in float32; {}, {threads}",
        results.environment.processor
    );
    if results.quick {
        title.push_str("; a quick look");
    }
    if results.load.is_some_and(|load| load > BUSY) {
        title.push_str("; busy machine");
    }
    (!sections.is_empty()).then_some(Bars { title, sections })
}

/// The bars of a case in float32 and of the same in bfloat16.
fn group(results: &Results, row: &Row) -> Option<Group> {
    let narrow = results.in_precision(row, Precision::Bf16);
    let bars: Vec<_> = Who::ALL
        .into_iter()
        .filter_map(|who| {
            let measured = match who {
                Who::Ours => &row.ours,
                Who::OursBf16 => &narrow?.ours,
                Who::TorchBf16 => &narrow?.torch,
                Who::Stock => &row.stock,
            };
            Some((who, speed(measured, &row.torch)?))
        })
        .collect();
    (!bars.is_empty()).then(|| Group {
        label: row.label(),
        bars,
    })
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

impl Group {
    fn height(&self) -> f64 {
        BAR * self.bars.len() as f64 + GAP
    }
}

impl Section {
    fn height(&self) -> f64 {
        HEADING + self.rows.iter().map(Group::height).sum::<f64>() + SCALE
    }
}

fn height(bars: &Bars) -> u32 {
    let sections = bars.sections.iter().map(Section::height);
    (TOP + sections.sum::<f64>() + BOTTOM).ceil() as u32
}

/// Doublings from 1 at the left and right edge.
fn range(bars: &Bars) -> [f64; 2] {
    let rows = bars.sections.iter().flat_map(|section| &section.rows);
    let speeds = rows.flat_map(|row| &row.bars);
    let doublings = speeds.map(|(_, speed)| speed.log2());
    let (low, high) = doublings.fold((-1.0, 1.0), |(low, high): (f64, f64), value| {
        (low.min(value), high.max(value))
    });
    [low.floor(), high.ceil()]
}

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, bars: &Bars, factor: f64) -> Result<()> {
    register_font(FAMILY, FontStyle::Normal, FONT)
        .map_err(|_| anyhow!("the embedded font cannot be read"))?;
    area.fill(&WHITE)
        .map_err(|error| anyhow!("cannot draw: {error}"))?;
    let canvas = Canvas {
        area,
        factor,
        range: range(bars),
    };
    canvas.legend(&bars.title)?;
    let mut top = TOP;
    for section in &bars.sections {
        canvas.section(section, top)?;
        top += section.height();
    }
    Ok(())
}

/// Where things are drawn, in pixels of the SVG.
struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    factor: f64,
    /// Doublings from 1 at the left and right edge.
    range: [f64; 2],
}

impl<B: DrawingBackend> Canvas<'_, B> {
    fn legend(&self, title: &str) -> Result<()> {
        self.text(title, (12.0, 14.0), 13.0, HPos::Left)?;
        for (index, who) in Who::ALL.into_iter().enumerate() {
            let left = 12.0 + 150.0 * index as f64;
            self.rectangle((left, 35.0), (left + 12.0, 43.0), who.colour())?;
            self.text(who.name(), (left + 18.0, 39.0), 11.0, HPos::Left)?;
        }
        Ok(())
    }

    fn section(&self, section: &Section, top: f64) -> Result<()> {
        self.text(section.name, (12.0, top + HEADING / 2.0), 13.0, HPos::Left)?;
        let from = top + HEADING;
        self.grid(from, top + section.height() - SCALE)?;
        let mut top = from;
        for row in &section.rows {
            let middle = top + row.height() / 2.0;
            self.text(&row.label, (LABELS - 8.0, middle), 11.0, HPos::Right)?;
            for (index, (who, speed)) in row.bars.iter().enumerate() {
                let top = top + GAP / 2.0 + BAR * index as f64;
                let [left, right] = [speed.min(1.0), speed.max(1.0)].map(|speed| self.x(speed));
                self.rectangle((left, top), (right, top + BAR), who.colour())?;
            }
            top += row.height();
        }
        self.rectangle((self.x(1.0) - 0.5, from), (self.x(1.0) + 0.5, top), INK)?;
        self.scale(top)
    }

    fn grid(&self, top: f64, end: f64) -> Result<()> {
        for doublings in self.doublings() {
            let x = self.x(2f64.powi(doublings));
            self.rectangle((x - 0.5, top), (x + 0.5, end), GRID)?;
        }
        Ok(())
    }

    fn scale(&self, top: f64) -> Result<()> {
        for doublings in self.doublings() {
            let speed = 2f64.powi(doublings);
            let label = match doublings {
                ..0 => format!("1/{}x", 1.0 / speed),
                _ => format!("{speed}x"),
            };
            self.text(
                &label,
                (self.x(speed), top + SCALE / 2.0),
                11.0,
                HPos::Center,
            )?;
        }
        Ok(())
    }

    fn doublings(&self) -> std::ops::RangeInclusive<i32> {
        let [low, high] = self.range;
        low as i32..=high as i32
    }

    fn x(&self, speed: f64) -> f64 {
        let [low, high] = self.range;
        let share = (speed.log2() - low) / (high - low);
        LABELS + share * (f64::from(WIDTH) - LABELS - 30.0)
    }

    /// Text that is centred on the height of `at`.
    fn text(&self, text: &str, at: (f64, f64), size: f64, side: HPos) -> Result<()> {
        let style = TextStyle::from((FAMILY, size * self.factor)).color(&INK);
        let style = style.pos(Pos::new(side, VPos::Center));
        let at = (self.px(at.0), self.px(at.1));
        self.area
            .draw_text(text, &style, at)
            .map_err(|error| anyhow!("cannot draw: {error}"))
    }

    fn rectangle(&self, from: (f64, f64), to: (f64, f64), colour: RGBColor) -> Result<()> {
        let corners = [from, to].map(|(x, y)| (self.px(x), self.px(y)));
        self.area
            .draw(&Rectangle::new(corners, colour.filled()))
            .map_err(|error| anyhow!("cannot draw: {error}"))
    }

    fn px(&self, length: f64) -> i32 {
        (length * self.factor).round() as i32
    }
}
