//! The first convolution's filters (paper, Fig. 3).

use ablate_store::Filters;

use super::subject::Subject;
use super::{Figure, pixels};
use crate::number;
use crate::picture::shape::{Align, Image, Shape};
use crate::picture::style::FAINT;
use crate::picture::{MARGIN, Page, SMALL, WIDTH};
use crate::statistics::mean;

pub(crate) const NAME: &str = "filters";

/// Filters in a row, as the paper has them.
const COLUMNS: usize = 16;
/// Between two filters.
const GAP: f64 = 3.0;

/// The filters of each trial, a block a tower.
pub(crate) fn figure(subjects: &[Subject]) -> Option<Figure> {
    let shown = |subject: &&Subject| subject.outputs.filters().is_some_and(is_shown);
    let shown: Vec<&Subject> = subjects.iter().filter(shown).collect();
    if shown.is_empty() {
        return None;
    }
    let mut page = Page::new("Filters of the first convolution");
    for subject in shown {
        let Some(filters) = subject.outputs.filters() else {
            continue;
        };
        let [count, _, height, width] = filters.shape;
        let (across, _) = cell(width, height);
        let heading = format!(
            "{}: {} filters of {height}x{width}",
            subject.title,
            number::count(count)
        );
        page.heading(&heading, left(across));
        for (tower, range) in towers(filters).into_iter().enumerate() {
            label(&mut page, filters, tower, range.clone());
            block(&mut page, filters, range);
        }
        page.leave_room();
    }
    let caption = "Every filter has a scale of its own: a weight of zero is mid grey, its largest \
                   weight, of either sign, is black or white. Chroma is the share of a filter's \
                   energy off the grey axis."
        .to_string();
    Some(Figure::new(
        NAME,
        "filters of the first convolution",
        caption,
        page,
    ))
}

fn is_shown(filters: &Filters) -> bool {
    let [count, channels, height, width] = filters.shape;
    count > 0 && pixels::is_shown(channels) && height > 0 && width > 0
}

/// The filters of each tower.
pub(crate) fn towers(filters: &Filters) -> Vec<std::ops::Range<usize>> {
    halves(filters.shape[0], filters.towers)
}

/// `count` filters in so many parts.
pub(crate) fn halves(count: usize, parts: usize) -> Vec<std::ops::Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts)
        .map(|part| part * count / parts..(part + 1) * count / parts)
        .collect()
}

/// `tower 1: mean chroma 12%`; a net without towers has no number of them.
fn label(page: &mut Page, filters: &Filters, tower: usize, range: std::ops::Range<usize>) {
    let mut parts = Vec::new();
    if filters.towers > 1 {
        parts.push(format!("tower {}", tower + 1));
    }
    if let Some(chroma) = filters.chroma() {
        parts.push(format!("mean chroma {:.1}%", 100.0 * mean(&chroma[range])));
    }
    let (across, _) = cell(filters.shape[3], filters.shape[2]);
    let at = (left(across), page.bottom + SMALL / 2.0);
    page.letters(&parts.join(", "), at, Align::Left, (SMALL, FAINT));
    page.bottom += SMALL + 6.0;
}

fn block(page: &mut Page, filters: &Filters, range: std::ops::Range<usize>) {
    let [_, _, height, width] = filters.shape;
    let (across, down) = cell(width, height);
    let (left, top) = (left(across), page.bottom);
    for (place, filter) in range.enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let at = (
            left + column as f64 * (across + GAP),
            top + row as f64 * (down + GAP),
        );
        page.bottom = at.1 + down + 2.0 * GAP;
        if let Some(pixels) = pixels::filter(filters, filter) {
            page.add(Shape::Image(Image::new(pixels, at, (across, down))));
        }
    }
}

/// The left edge of a row, which is centred.
fn left(across: f64) -> f64 {
    let row = COLUMNS as f64 * (across + GAP) - GAP;
    (f64::from(WIDTH) - row) / 2.0
}

/// The size of a filter: as large as a row allows, a weight being as many pixels of
/// the bitmap, which has two a unit, as every other.
fn cell(width: usize, height: usize) -> (f64, f64) {
    let room = (f64::from(WIDTH) - 2.0 * MARGIN + GAP) / COLUMNS as f64 - GAP;
    let longer = width.max(height) as f64;
    let weight = match (2.0 * room / longer).floor() {
        0.0 => room / longer,
        pixels => pixels / 2.0,
    };
    (width as f64 * weight, height as f64 * weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_whole_pixels_and_rows_fit() {
        for size in [1, 3, 5, 7, 11] {
            let (across, _) = cell(size, size);
            assert_eq!((2.0 * across / size as f64).fract(), 0.0);
            assert!(left(across) >= MARGIN, "{size}");
            assert!(across > 44.0, "{across}");
        }
        assert!(cell(500, 500).0 > 50.0);
    }

    #[test]
    fn towers_share_the_filters() {
        assert_eq!(halves(96, 2), [0..48, 48..96]);
        assert_eq!(halves(5, 2), [0..2, 2..5]);
        assert_eq!(halves(1, 2), vec![0..1; 1]);
        assert_eq!(halves(3, 0), vec![0..3; 1]);
    }
}
