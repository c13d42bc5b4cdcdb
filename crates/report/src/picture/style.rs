//! Colours, dashes and the size of letters.

use plotters::style::{Color, RGBColor, ShapeStyle, TextStyle, register_font};

/// The letters' family. The first name is the embedded font's, registered under
/// the whole list, which a viewer of the SVG reads as alternatives.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

/// Ink of axes and letters.
pub const INK: RGBColor = RGBColor(51, 51, 51);
/// Ink of what explains.
pub(crate) const FAINT: RGBColor = RGBColor(102, 102, 102);
/// Ink of the grid.
pub const GRID: RGBColor = RGBColor(230, 230, 230);

/// How strongly a band is coloured.
pub(crate) const BAND: f64 = 0.16;

/// Okabe and Ito's palette, told apart by colour-blind readers too; without its
/// yellow, which white swallows.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Length of a dash and of the space after it; `None` is solid. The count has no
/// factor in common with that of the colours, so 28 variants differ.
const DASHES: [Option<(f64, f64)>; 4] =
    [None, Some((7.0, 4.0)), Some((2.0, 3.0)), Some((13.0, 4.0))];

/// The colour of a variant.
pub(crate) fn colour(style: usize) -> RGBColor {
    COLOURS[style % COLOURS.len()]
}

/// The dashes of a variant.
pub(crate) fn dashes(style: usize) -> Option<(f64, f64)> {
    DASHES[style % DASHES.len()]
}

/// The colour of a variant for a page of any ground: what is black here is the ink
/// there.
pub(crate) fn css_colour(style: usize) -> String {
    match colour(style) {
        RGBColor(0, 0, 0) => "currentColor".to_string(),
        RGBColor(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// Makes the embedded font known to plotters; doing so again changes nothing.
///
/// # Errors
/// The font file is not one.
pub(crate) fn load_font() -> Result<(), String> {
    register_font(FAMILY, plotters::style::FontStyle::Normal, FONT)
        .map_err(|_| "the embedded font cannot be read".to_string())
}

/// The picture's unit of length in the backend's pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Pixels a unit.
    pub(crate) factor: f64,
    /// How far below the place asked for letters must be put to be centred
    /// there, in their own height. Plotters centres the letters of a bitmap by a
    /// box with room for tails, which digits do not have.
    pub(crate) sink: f64,
}

impl Scale {
    /// A length in whole pixels.
    pub(crate) fn px(self, length: f64) -> i32 {
        (length * self.factor).round() as i32
    }

    /// A length that plotters wants unsigned.
    pub(crate) fn size(self, length: f64) -> u32 {
        self.px(length).max(0) as u32
    }

    /// Letters of a height.
    pub(crate) fn letters(self, height: f64, colour: RGBColor) -> TextStyle<'static> {
        TextStyle {
            color: colour.to_backend_color(),
            ..TextStyle::from((FAMILY, height * self.factor))
        }
    }

    /// A stroke of a width.
    pub(crate) fn stroke(self, colour: impl Color, width: f64) -> ShapeStyle {
        ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: self.size(width).max(1),
        }
    }
}
