//! The picture as files: SVG as drawn, PNG at twice the size.

use std::io::Cursor;

use image::imageops::thumbnail;
use image::{ImageFormat, RgbImage};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};

use super::draw::{self, WIDTH};
use super::lines::Curves;
use super::style::Scale;
use crate::{Error, Result};

/// Pixels of the PNG for one of the SVG.
const RESOLUTION: u32 = 2;
/// Both are drawn this much larger. The bitmap is averaged down, because
/// plotters smooths letters but not thick lines; the SVG keeps the places,
/// because plotters rounds them to whole pixels.
const OVERSAMPLING: u32 = 3;
const FACTOR: u32 = RESOLUTION * OVERSAMPLING;

/// The picture as SVG.
///
/// # Errors
/// It cannot be drawn.
pub(crate) fn svg(curves: &Curves) -> Result<String> {
    let failed = Error::draw("SVG");
    super::style::load_font().map_err(&failed)?;
    let scale = Scale {
        factor: f64::from(FACTOR),
        sink: 0.0,
    };
    let (width, height) = (WIDTH, draw::height(curves));
    let drawn = (width * FACTOR, height * FACTOR);
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, drawn).into_drawing_area();
    draw::draw(&area, curves, scale).map_err(|error| failed(error.to_string()))?;
    drop(area);
    // The view box stays as drawn, so this only sets the size it is shown at.
    let large = format!("width=\"{}\" height=\"{}\"", drawn.0, drawn.1);
    Ok(text.replacen(&large, &format!("width=\"{width}\" height=\"{height}\""), 1))
}

/// The picture as PNG.
///
/// # Errors
/// It cannot be drawn or encoded.
pub(crate) fn png(curves: &Curves) -> Result<Vec<u8>> {
    let failed = Error::draw("PNG");
    super::style::load_font().map_err(&failed)?;
    let scale = Scale {
        factor: f64::from(FACTOR),
        sink: 0.1,
    };
    let (width, height) = (WIDTH, draw::height(curves));
    let drawn = (width * FACTOR, height * FACTOR);
    let mut pixels = RgbImage::new(drawn.0, drawn.1);
    let area = BitMapBackend::with_buffer(&mut pixels, drawn).into_drawing_area();
    draw::draw(&area, curves, scale).map_err(|error| failed(error.to_string()))?;
    drop(area);
    let small = thumbnail(&pixels, width * RESOLUTION, height * RESOLUTION);
    let mut bytes = Cursor::new(Vec::new());
    small
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| failed(error.to_string()))?;
    Ok(bytes.into_inner())
}
