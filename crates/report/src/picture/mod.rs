//! What every picture shares, of a report or not: letters, colours, shapes, and the two
//! files it becomes. Knows nothing of trials.
//!
//! Lengths are in units of the SVG's pixels; `Scale` turns them into the
//! backend's, so a bitmap several times the size shows the same.

mod file;
mod letters;
mod page;
pub(crate) mod shape;
pub(crate) mod style;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend};

pub(crate) use file::{inline, png, svg};
pub(crate) use letters::{fit, letter, text_width};
pub use page::Page;
pub use plotters::style::RGBColor;
pub use shape::Align;
pub use style::{GRID, INK};

pub(crate) use style::Scale;

use shape::Image;

/// Width of every picture.
pub const WIDTH: u32 = 920;
/// Room around a picture.
pub const MARGIN: f64 = 14.0;
/// Height of a title's letters.
pub(crate) const TITLE: f64 = 15.0;
/// Height of most letters.
pub(crate) const LETTERS: f64 = 13.0;
/// Height of letters that explain.
pub const SMALL: f64 = 12.0;
/// Characters on a line of a caption.
pub(crate) const CAPTION: usize = 130;
/// Height of a line of the caption.
pub(crate) const CAPTION_ROW: f64 = 18.0;

pub(crate) type Area<B> = DrawingArea<B, Shift>;
pub(crate) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Something that can be drawn on any plotters backend.
pub(crate) trait Picture {
    /// Height; the width is [`WIDTH`].
    fn height(&self) -> u32;

    /// Draws all but the images.
    fn draw<B: DrawingBackend>(&self, area: &Area<B>, scale: Scale) -> Drawn<B>;

    /// Images of pixels, which come to lie above everything drawn.
    fn images(&self) -> Vec<&Image> {
        Vec::new()
    }
}
