//! What a model says of some images: the five most probable classes (paper,
//! Fig. 4, left).

use plotters::style::RGBColor;

use super::sort::chosen;
use super::subject::{Subject, comparable};
use super::{Figure, pixels};
use crate::picture::shape::{Align, Image, Shape};
use crate::picture::style::{FAINT, INK};
use crate::picture::{LETTERS, MARGIN, Page, WIDTH, fit};

pub(crate) const NAME: &str = "predictions";

/// Images shown.
const SHOWN: usize = 8;
/// Classes listed for each.
const LISTED: usize = 5;
/// Cards side by side.
const COLUMNS: usize = 2;
/// Side of an image.
const IMAGE: f64 = 96.0;
/// Height of a bar with the space below it.
const BAR: f64 = 19.0;
/// Between an image and the bars, and between the bars of two variants.
const GAP: f64 = 10.0;
/// Room above the bars, for the variant's name.
const HEAD: f64 = 16.0;
/// Height of a card with the space below it.
const CARD: f64 = HEAD + BAR * LISTED as f64 + 22.0;
/// Height of a bar's letters.
const NAMES: f64 = 11.0;
/// Room for a probability.
const PERCENT: f64 = 34.0;

/// Sample images with the most probable classes of each trial.
pub(crate) fn figure(subjects: &[Subject]) -> Option<Figure> {
    let subjects = comparable(subjects);
    let first = *subjects.first()?;
    let samples = chosen(&first.labels, SHOWN);
    if samples.is_empty() || pixels::sample(&first.samples, samples[0]).is_none() {
        return None;
    }
    let titles: Vec<&str> = subjects.iter().map(|subject| &*subject.title).collect();
    let mut page = Page::new("The most probable classes of some validation images");
    let top = page.bottom;
    let width = (f64::from(WIDTH) - 2.0 * MARGIN - 2.0 * GAP) / COLUMNS as f64;
    for (place, &sample) in samples.iter().enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let at = (
            MARGIN + column as f64 * (width + 2.0 * GAP),
            top + row as f64 * CARD,
        );
        card(&mut page, &subjects, sample, at, width);
        page.bottom = at.1 + CARD;
    }
    let caption = format!(
        "Under each image its class, beside it the classes that {} think most probable; bars are \
         as long as the probability, the right class is orange and ticked. Images are the first \
         of a class, whatever the model says of them.",
        titles.join(" and ")
    );
    let caption = match subjects.len() {
        1 => caption.replace(" think ", " thinks "),
        _ => caption,
    };
    Some(Figure::new(
        NAME,
        "the most probable classes of some images",
        caption,
        page,
    ))
}

fn card(page: &mut Page, subjects: &[&Subject], sample: usize, (x, y): (f64, f64), width: f64) {
    let first = subjects[0];
    if let Some(pixels) = pixels::sample(&first.samples, sample) {
        let image = Image::new(pixels, (x, y), (IMAGE, IMAGE));
        page.add(Shape::Image(image));
    }
    let name = fit(first.class(first.labels[sample]), LETTERS, IMAGE + GAP);
    let at = (x + IMAGE / 2.0, y + IMAGE + 11.0);
    page.letters(&name, at, Align::Centre, (LETTERS, INK));
    let count = subjects.len() as f64;
    let room = (width - IMAGE - GAP * count) / count;
    for (place, subject) in (0_u32..).zip(subjects) {
        let x = x + IMAGE + GAP + f64::from(place) * (room + GAP);
        bars(page, subject, sample, (x, y), room);
    }
}

fn bars(page: &mut Page, subject: &Subject, sample: usize, (x, y): (f64, f64), room: f64) {
    let head = fit(subject.variant, NAMES, room);
    page.letters(&head, (x, y + 5.0), Align::Left, (NAMES, FAINT));
    let label = subject.labels[sample];
    for (place, (class, probability)) in (0_u32..).zip(most_probable(subject, sample)) {
        let is_right = class == label;
        let top = y + HEAD + f64::from(place) * BAR;
        let middle = top + (BAR - 3.0) / 2.0;
        let bar = |length: f64, fill| Shape::Box {
            at: (x, top),
            size: (length, BAR - 3.0),
            fill,
        };
        page.add(bar(room - PERCENT, TRACK));
        let length = ((room - PERCENT) * probability).max(1.0);
        page.add(bar(length, if is_right { RIGHT } else { OTHER }));
        let tick = if is_right { "✓ " } else { "" };
        let name = format!("{tick}{}", subject.class(class));
        let name = fit(&name, NAMES, room - PERCENT - 6.0);
        page.letters(&name, (x + 4.0, middle), Align::Left, (NAMES, INK));
        let percent = format!("{:.0}%", 100.0 * probability);
        page.letters(&percent, (x + room, middle), Align::Right, (NAMES, FAINT));
    }
}

/// What a bar would be at 100%.
const TRACK: RGBColor = RGBColor(243, 243, 243);
/// Lighter than the palette's orange and sky blue, for the letters above them.
const RIGHT: RGBColor = RGBColor(243, 190, 94);
const OTHER: RGBColor = RGBColor(166, 213, 242);

/// The most probable classes with their probabilities; equal ones by number.
fn most_probable(subject: &Subject, sample: usize) -> Vec<(usize, f64)> {
    let classes = subject.outputs.classes().len();
    let at = subject.samples.index[sample] as usize * classes;
    let row = &subject.predictions.log_probabilities[at..at + classes];
    let mut ranked: Vec<(usize, f32)> = row.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let probability = |log: f32| f64::from(log).exp().clamp(0.0, 1.0);
    let listed = ranked.into_iter().take(LISTED);
    listed
        .map(|(class, log)| (class, probability(log)))
        .collect()
}
