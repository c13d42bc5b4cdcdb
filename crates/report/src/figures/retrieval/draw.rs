//! Queries with the images found for them.

use super::FOUND;
use super::near::neighbours;
use crate::figures::sort::chosen;
use crate::figures::subject::{Subject, comparable};
use crate::figures::{Figure, pixels};
use crate::picture::shape::{Align, Image, Shape};
use crate::picture::style::{self, FAINT, INK};
use crate::picture::{MARGIN, Page, SMALL, WIDTH, fit};

pub(crate) const NAME: &str = "retrieval";

/// Queries shown.
const QUERIES: usize = 10;
/// Side of the largest image.
const LARGEST: f64 = 80.0;
/// Between two images.
const GAP: f64 = 6.0;
/// Between the query and what is found, and between two variants.
const APART: f64 = 16.0;
/// Width of the frame around an image of the right class.
const FRAME: f64 = 2.5;
/// Height of the class names.
const LABEL: f64 = 10.0;

/// A column of queries and beside it, for each trial, the nearest images.
pub(crate) fn figure(subjects: &[Subject]) -> Option<Figure> {
    let subjects: Vec<&Subject> = comparable(subjects)
        .into_iter()
        .filter(|subject| subject.samples.features.is_some())
        .collect();
    let first = *subjects.first()?;
    let count = first.labels.len();
    let queries = chosen(&first.labels, QUERIES);
    if count < 2 || pixels::sample(&first.samples, queries[0]).is_none() {
        return None;
    }
    let found: Vec<Vec<Vec<usize>>> = subjects
        .iter()
        .filter_map(|subject| subject.samples.features.as_deref())
        .map(|features| neighbours(features, count, FOUND))
        .collect();
    let side = side(subjects.len());
    let width = FOUND as f64 * (side + GAP) - GAP;
    let row = side + (APART + width) * subjects.len() as f64;
    let left = (f64::from(WIDTH) - row) / 2.0;
    let block = |place: usize| left + side + APART + place as f64 * (width + APART);
    let mut page = Page::new("Validation images nearest to some others in the last hidden layer");
    let head = page.bottom + SMALL / 2.0;
    page.letters("query", (left, head), Align::Left, (SMALL, INK));
    for (place, subject) in subjects.iter().enumerate() {
        let title = format!("nearest by {}", subject.title);
        let title = fit(&title, SMALL, FOUND as f64 * (side + GAP));
        page.letters(&title, (block(place), head), Align::Left, (SMALL, INK));
    }
    page.bottom += SMALL + 8.0;
    for &query in &queries {
        let y = page.bottom;
        cell(&mut page, first, query, (left, y), side, None);
        for (place, found) in found.iter().enumerate() {
            for (column, &near) in found[query].iter().enumerate() {
                let x = block(place) + column as f64 * (side + GAP);
                let is_right = first.labels[near] == first.labels[query];
                cell(&mut page, first, near, (x, y), side, Some(is_right));
            }
        }
        page.bottom += side + LABEL + 14.0;
    }
    let caption = "Nearest first, by Euclidean distance; those of the query's class have a green \
                   frame. Queries are the first of a class."
        .to_string();
    Some(Figure::new(
        NAME,
        "nearest images in the last hidden layer",
        caption,
        page,
    ))
}

/// The side of an image, of so many that a row holds.
fn side(subjects: usize) -> f64 {
    let images = (1 + FOUND * subjects) as f64;
    let gaps = (FOUND - 1) as f64 * GAP * subjects as f64 + APART * subjects as f64;
    let room = (f64::from(WIDTH) - 2.0 * MARGIN - gaps) / images;
    room.floor().min(LARGEST)
}

/// An image with its class; a query is neither right nor wrong.
fn cell(
    page: &mut Page,
    subject: &Subject,
    sample: usize,
    (x, y): (f64, f64),
    side: f64,
    is_right: Option<bool>,
) {
    if is_right == Some(true) {
        page.add(Shape::Box {
            at: (x - FRAME, y - FRAME),
            size: (side + 2.0 * FRAME, side + 2.0 * FRAME),
            fill: style::colour(2),
        });
    }
    if let Some(pixels) = pixels::sample(&subject.samples, sample) {
        let image = Image::new(pixels, (x, y), (side, side));
        page.add(Shape::Image(image));
    }
    let name = fit(
        subject.class(subject.labels[sample]),
        LABEL,
        side + GAP - 1.0,
    );
    let ink = if is_right == Some(false) { FAINT } else { INK };
    let at = (x + side / 2.0, y + side + FRAME + 1.5 + LABEL / 2.0);
    page.letters(&name, at, Align::Centre, (LABEL, ink));
}
