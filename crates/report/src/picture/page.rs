//! A picture that grows downwards: title, headings, shapes, caption.

use plotters::prelude::{DrawingBackend, WHITE};
use plotters::style::RGBColor;

use super::shape::{Align, Image, Pair, Shape};
use super::style::{FAINT, INK, Scale};
use super::{
    Area, CAPTION, CAPTION_ROW, Drawn, LETTERS, MARGIN, Picture, SMALL, TITLE, WIDTH, fit, png, svg,
};
use crate::Result;
use crate::text::wrap;

/// A picture made of shapes.
#[derive(Clone, Debug, Default)]
pub struct Page {
    shapes: Vec<Shape>,
    /// How far down it is filled.
    pub bottom: f64,
}

/// Between two parts of a page.
const APART: f64 = 12.0;

impl Page {
    /// An empty page under a title.
    pub fn new(title: &str) -> Self {
        let mut page = Self::default();
        let middle = (f64::from(WIDTH) / 2.0, MARGIN + TITLE / 2.0);
        page.letters(title, middle, Align::Centre, (TITLE, INK));
        page.bottom = MARGIN + TITLE + APART;
        page
    }

    /// A line above a part of the page, from `left` on.
    pub fn heading(&mut self, text: &str, left: f64) {
        let text = fit(text, LETTERS, f64::from(WIDTH) - MARGIN - left);
        let at = (left, self.bottom + LETTERS / 2.0);
        self.letters(&text, at, Align::Left, (LETTERS, INK));
        self.bottom += LETTERS + APART / 2.0;
    }

    /// Leaves room below a part of the page.
    pub(crate) fn leave_room(&mut self) {
        self.bottom += APART;
    }

    /// What explains, at the bottom.
    pub(crate) fn caption(&mut self, text: &str) {
        for line in wrap(text, CAPTION, 0).lines() {
            let at = (f64::from(WIDTH) / 2.0, self.bottom + CAPTION_ROW / 2.0);
            self.letters(line, at, Align::Centre, (SMALL, FAINT));
            self.bottom += CAPTION_ROW;
        }
    }

    /// Letters, centred vertically at a place.
    pub fn letters(
        &mut self,
        text: &str,
        at: Pair,
        align: Align,
        (height, colour): (f64, RGBColor),
    ) {
        self.add(Shape::Letters {
            text: text.to_string(),
            at,
            align,
            height,
            colour,
        });
    }

    /// A filled rectangle by its upper left corner.
    pub fn rectangle(&mut self, at: Pair, size: Pair, fill: RGBColor) {
        self.add(Shape::Box { at, size, fill });
    }

    /// Anything else.
    pub(crate) fn add(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// The page as a vector picture.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        svg(self)
    }

    /// The page as a bitmap, twice the size.
    ///
    /// # Errors
    /// It cannot be drawn or encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        png(self)
    }
}

impl Picture for Page {
    fn height(&self) -> u32 {
        (self.bottom + MARGIN).ceil() as u32
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>, scale: Scale) -> Drawn<B> {
        area.fill(&WHITE)?;
        for shape in &self.shapes {
            shape.draw(area, scale)?;
        }
        area.present()
    }

    fn images(&self) -> Vec<&Image> {
        let mut images = Vec::new();
        for shape in &self.shapes {
            if let Shape::Image(image) = shape {
                images.push(image);
            }
        }
        images
    }
}
