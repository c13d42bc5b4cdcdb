//! A picture as files: SVG as drawn, PNG at twice the size.

use std::borrow::Cow;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType, thumbnail};
use image::{ImageFormat, RgbImage};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};

use super::shape::Image;
use super::style::{FAMILY, Scale, load_font};
use super::{Picture, WIDTH};
use crate::{Error, Result};

/// Pixels of the PNG for one of the SVG.
pub(crate) const RESOLUTION: u32 = 2;
/// Both are drawn this much larger. The bitmap is averaged down, because
/// plotters smooths letters but not thick lines; the SVG keeps the places,
/// because plotters rounds them to whole pixels.
const OVERSAMPLING: u32 = 3;
const FACTOR: u32 = RESOLUTION * OVERSAMPLING;

/// An image of at most so many pixels a side is enlarged within the SVG, because
/// some viewers smooth it whatever the SVG says.
const COARSE: u32 = 16;

/// The picture as SVG.
///
/// # Errors
/// It cannot be drawn.
pub(crate) fn svg(picture: &impl Picture) -> Result<String> {
    let failed = Error::draw("SVG");
    load_font().map_err(&failed)?;
    let scale = Scale {
        factor: f64::from(FACTOR),
        sink: 0.0,
    };
    let (width, height) = (WIDTH, picture.height());
    let drawn = (width * FACTOR, height * FACTOR);
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, drawn).into_drawing_area();
    picture
        .draw(&area, scale)
        .map_err(|error| failed(error.to_string()))?;
    drop(area);
    // The view box stays as drawn, so this only sets the size it is shown at.
    let large = format!("width=\"{}\" height=\"{}\"", drawn.0, drawn.1);
    let text = text.replacen(&large, &format!("width=\"{width}\" height=\"{height}\""), 1);
    let mut images = String::new();
    for image in picture.images() {
        images += &element(image, scale)?;
    }
    // Plotters' own bitmaps would be smoothed when enlarged.
    let end = text.rfind("</svg>").unwrap_or(text.len());
    Ok(format!("{}{images}{}", &text[..end], &text[end..]))
}

/// A drawn SVG as part of a page of HTML, which needs no namespace, sets the letters'
/// family itself and knows the attributes' defaults. `label` must not need escaping.
pub(crate) fn inline(svg: &str, label: &'static str) -> String {
    let family = format!(" font-family=\"{FAMILY}\"");
    svg.replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{label}\" "),
        1,
    )
    .replace(" xmlns=\"http://www.w3.org/2000/svg\"", "")
    .replace(&family, "")
    .replace(" opacity=\"1\"", "")
}

/// The picture as PNG.
///
/// # Errors
/// It cannot be drawn or encoded.
pub(crate) fn png(picture: &impl Picture) -> Result<Vec<u8>> {
    let failed = Error::draw("PNG");
    load_font().map_err(&failed)?;
    let scale = Scale {
        factor: f64::from(FACTOR),
        sink: 0.1,
    };
    let (width, height) = (WIDTH, picture.height());
    let drawn = (width * FACTOR, height * FACTOR);
    let mut pixels = RgbImage::new(drawn.0, drawn.1);
    let area = BitMapBackend::with_buffer(&mut pixels, drawn).into_drawing_area();
    picture
        .draw(&area, scale)
        .map_err(|error| failed(error.to_string()))?;
    drop(area);
    for image in picture.images() {
        let (width, height) = (scale.size(image.size.0), scale.size(image.size.1));
        let large = imageops::resize(&image.pixels, width, height, FilterType::Nearest);
        let (x, y) = (scale.px(image.at.0), scale.px(image.at.1));
        imageops::replace(&mut pixels, &large, i64::from(x), i64::from(y));
    }
    encode(&thumbnail(&pixels, width * RESOLUTION, height * RESOLUTION))
}

/// An image within an SVG.
fn element(image: &Image, scale: Scale) -> Result<String> {
    let (width, height) = image.pixels.dimensions();
    let pixels = match width.max(height) > COARSE {
        true => Cow::Borrowed(&image.pixels),
        false => {
            let room = image.size.0 * f64::from(RESOLUTION);
            let factor = (room / f64::from(width)).floor().max(1.0) as u32;
            let (width, height) = (width * factor, height * factor);
            Cow::Owned(imageops::resize(
                &image.pixels,
                width,
                height,
                FilterType::Nearest,
            ))
        }
    };
    Ok(format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>\n",
        scale.px(image.at.0),
        scale.px(image.at.1),
        scale.px(image.size.0),
        scale.px(image.size.1),
        STANDARD.encode(encode(&pixels)?)
    ))
}

fn encode(pixels: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Error::draw("PNG")(error.to_string()))?;
    Ok(bytes.into_inner())
}
