//! The few shapes that a figure is made of.

use image::RgbImage;
use image::imageops::thumbnail;
use plotters::prelude::{Circle, DrawingBackend, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, RGBColor};

use super::file::RESOLUTION;
use super::style::Scale;
use super::{Area, Drawn, letter};

/// A place or a size: across and down, in units.
pub(crate) type Pair = (f64, f64);

/// Which end of letters is at their place.
#[derive(Clone, Copy, Debug)]
pub enum Align {
    /// They begin there.
    Left,
    /// Their middle is there.
    Centre,
    /// They end there.
    Right,
}

impl Align {
    fn anchor(self) -> HPos {
        match self {
            Self::Left => HPos::Left,
            Self::Centre => HPos::Center,
            Self::Right => HPos::Right,
        }
    }
}

/// One shape.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Letters, centred vertically at a place.
    Letters {
        text: String,
        at: Pair,
        align: Align,
        height: f64,
        colour: RGBColor,
    },
    /// Letters that read upwards, centred at a place.
    Upright {
        text: String,
        at: Pair,
        height: f64,
        colour: RGBColor,
    },
    /// A filled rectangle by its upper left corner.
    Box {
        at: Pair,
        size: Pair,
        fill: RGBColor,
    },
    /// A straight line.
    Line {
        from: Pair,
        to: Pair,
        width: f64,
        colour: RGBColor,
    },
    /// A dot, translucent so that many in one place look darker.
    Dot {
        at: Pair,
        radius: f64,
        colour: RGBColor,
    },
    /// Pixels.
    Image(Image),
}

/// Pixels by their upper left corner; enlarged they keep their edges.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) at: Pair,
    pub(crate) size: Pair,
    pub(crate) pixels: RgbImage,
}

/// How strongly a dot is coloured.
const DOT: f64 = 0.55;
/// Pixels a unit that an image can have: those of the bitmap.
const MOST: f64 = RESOLUTION as f64;

impl Shape {
    /// Draws all but an image, which the file adds.
    pub(crate) fn draw<B: DrawingBackend>(&self, area: &Area<B>, scale: Scale) -> Drawn<B> {
        let px = |(x, y): Pair| (scale.px(x), scale.px(y));
        match self {
            Self::Letters {
                text,
                at,
                align,
                height,
                colour,
            } => letter(area, text, *at, align.anchor(), (*height, *colour), scale),
            Self::Upright {
                text,
                at: (x, y),
                height,
                colour,
            } => {
                let mut style = scale
                    .letters(*height, *colour)
                    .pos(Pos::new(HPos::Center, VPos::Center));
                style.font = style.font.transform(FontTransform::Rotate270);
                let at = px((x + scale.sink * height, *y));
                area.draw(&Text::new(text.as_str(), at, style))
            }
            Self::Box { at, size, fill } => {
                let corners = [px(*at), px((at.0 + size.0, at.1 + size.1))];
                area.draw(&Rectangle::new(corners, fill.filled()))
            }
            Self::Line {
                from,
                to,
                width,
                colour,
            } => {
                let ends = [px(*from), px(*to)];
                area.draw(&PathElement::new(ends, scale.stroke(*colour, *width)))
            }
            Self::Dot { at, radius, colour } => {
                let radius = (radius * scale.factor).round() as u32;
                area.draw(&Circle::new(px(*at), radius, colour.mix(DOT).filled()))
            }
            Self::Image(_) => Ok(()),
        }
    }
}

impl Image {
    /// Pixels at a place; more than the bitmap shows are averaged down, so
    /// that photographs do not swell the files.
    pub(crate) fn new(pixels: RgbImage, at: Pair, size: Pair) -> Self {
        let least = |pixels: u32, length: f64| pixels.min((length * MOST).ceil().max(1.0) as u32);
        let (width, height) = pixels.dimensions();
        let (less, lower) = (least(width, size.0), least(height, size.1));
        let pixels = match (less, lower) == (width, height) {
            true => pixels,
            false => thumbnail(&pixels, less, lower),
        };
        Self { at, size, pixels }
    }
}
