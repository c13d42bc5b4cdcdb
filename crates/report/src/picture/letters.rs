//! Letters at a place, and how wide they are.

use plotters::prelude::{DrawingBackend, Text};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{INK, Scale};
use super::{Area, Drawn};
use crate::text::clip;

/// Letters at a place given in units, centred vertically.
pub(crate) fn letter<B: DrawingBackend>(
    area: &Area<B>,
    text: &str,
    (x, y): (f64, f64),
    anchor: HPos,
    (height, colour): (f64, RGBColor),
    scale: Scale,
) -> Drawn<B> {
    let style = scale
        .letters(height, colour)
        .pos(Pos::new(anchor, VPos::Center));
    let at = (scale.px(x), scale.px(y + scale.sink * height));
    area.draw(&Text::new(text, at, style))
}

/// Width of letters of a height. Measured at one scale always, so that both files
/// of a picture break alike.
pub(crate) fn text_width(text: &str, height: f64) -> f64 {
    /// Plotters measures in whole pixels.
    const FINE: f64 = 8.0;
    let scale = Scale {
        factor: FINE,
        sink: 0.0,
    };
    let measured = scale.letters(height, INK).font.box_size(text);
    let guess = height * 0.6 * text.chars().count() as f64;
    measured.map_or(guess, |(width, _)| f64::from(width) / FINE)
}

/// As much of `text` as is at most `width` wide, the last an ellipsis where
/// something went.
pub(crate) fn fit(text: &str, height: f64, width: f64) -> String {
    let mut count = text.chars().count();
    loop {
        let cut = clip(text, count);
        if count <= 1 || text_width(&cut, height) <= width {
            return cut;
        }
        count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_their_room() {
        crate::picture::style::load_font().expect("a font");
        let name = "German short-haired pointer";
        let cut = fit(name, 11.0, 60.0);
        assert!(cut.ends_with('…') && name.starts_with(cut.trim_end_matches('…')));
        assert!(text_width(&cut, 11.0) <= 60.0);
        assert!(text_width(&cut, 11.0) > 45.0, "{cut}");
        assert_eq!(fit("cat", 11.0, 60.0), "cat");
        assert_eq!(fit("cat", 11.0, 0.0), "…");
        assert_eq!(fit("", 11.0, 0.0), "");
    }
}
