//! Queries with the images found for them.

use ablate_store::Retrieval;
use image::RgbImage;

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
    let found: Vec<(&Subject, &Retrieval)> = comparable(subjects)
        .into_iter()
        .filter_map(|subject| Some((subject, subject.retrieval.as_ref()?)))
        .collect();
    let &(first, retrieval) = found.first()?;
    let queries = chosen(&first.labels, QUERIES);
    pixels::sample(&first.samples, *queries.first()?)?;
    let columns = retrieval.shares.found;
    let side = side(found.len(), columns);
    let width = columns as f64 * (side + GAP) - GAP;
    let row = side + (APART + width) * found.len() as f64;
    let left = (f64::from(WIDTH) - row) / 2.0;
    let block = |place: usize| left + side + APART + place as f64 * (width + APART);
    let mut page =
        Page::new("Training images nearest to validation images in the last hidden layer");
    let head = page.bottom + SMALL / 2.0;
    page.letters("query", (left, head), Align::Left, (SMALL, INK));
    for (place, (subject, _)) in found.iter().enumerate() {
        let title = format!("nearest by {}", subject.title);
        let title = fit(&title, SMALL, columns as f64 * (side + GAP));
        page.letters(&title, (block(place), head), Align::Left, (SMALL, INK));
    }
    page.bottom += SMALL + 8.0;
    for &query in &queries {
        let y = page.bottom;
        let label = first.labels[query];
        let picture = pixels::sample(&first.samples, query);
        let cell = |page: &mut Page, picture, label, x, is_right| {
            draw(page, picture, first.class(label), (x, y), side, is_right);
        };
        cell(&mut page, picture, label, left, None);
        for (place, (_, retrieval)) in found.iter().enumerate() {
            for (column, &near) in retrieval.of(query).iter().enumerate() {
                let x = block(place) + column as f64 * (side + GAP);
                let near = near as usize;
                let picture = pixels::image(first.samples.shape, &retrieval.pixels, near);
                let near = retrieval.targets[near] as usize;
                cell(&mut page, picture, near, x, Some(near == label));
            }
        }
        page.bottom += side + LABEL + 14.0;
    }
    let caption = format!(
        "Of {} training images, nearest first, by Euclidean distance; those of the query's class \
         have a green frame. Queries are the first of a class.",
        retrieval.shares.gallery
    );
    Some(Figure::new(
        NAME,
        "training images nearest in the last hidden layer",
        caption,
        page,
    ))
}

/// The side of an image, of so many that a row holds.
fn side(subjects: usize, columns: usize) -> f64 {
    let images = (1 + columns * subjects) as f64;
    let gaps = columns.saturating_sub(1) as f64 * GAP * subjects as f64 + APART * subjects as f64;
    let room = (f64::from(WIDTH) - 2.0 * MARGIN - gaps) / images;
    room.floor().min(LARGEST)
}

/// An image with its class; a query is neither right nor wrong.
fn draw(
    page: &mut Page,
    picture: Option<RgbImage>,
    class: &str,
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
    if let Some(picture) = picture {
        let image = Image::new(picture, (x, y), (side, side));
        page.add(Shape::Image(image));
    }
    let name = fit(class, LABEL, side + GAP - 1.0);
    let ink = if is_right == Some(false) { FAINT } else { INK };
    let at = (x + side / 2.0, y + side + FRAME + 1.5 + LABEL / 2.0);
    page.letters(&name, at, Align::Centre, (LABEL, ink));
}
