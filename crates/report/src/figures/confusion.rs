//! Which classes a model takes for which.

use plotters::style::RGBColor;

use super::Figure;
use super::subject::Subject;
use crate::number::{self, Unit};
use crate::picture::shape::{Align, Shape};
use crate::picture::style::{self, INK};
use crate::picture::{LETTERS, MARGIN, Page, WIDTH, fit, text_width};
use crate::table::Table;

pub(crate) const NAME: &str = "confusion";

/// More classes are shown as a table of the most confused.
const MOST: usize = 20;
/// Rows of that table.
const ROWS: usize = 10;
/// Side of the largest cell.
const CELL: f64 = 36.0;
/// Cells smaller than this cannot hold a number.
const LEAST: f64 = 28.0;
/// Between a name and the matrix.
const NEAR: f64 = 5.0;
/// Room for a name.
const LONGEST: f64 = 110.0;
const NAMES: f64 = 11.0;

/// How many images of each class are taken for which: `[true][predicted]`.
struct Matrix {
    counts: Vec<Vec<usize>>,
}

impl Matrix {
    fn of(subject: &Subject) -> Self {
        let classes = subject.outputs.classes().len();
        let mut counts = vec![vec![0; classes]; classes];
        let rows = subject.predictions.log_probabilities.chunks(classes.max(1));
        for (row, &target) in rows.zip(&subject.predictions.targets) {
            counts[target as usize][largest(row)] += 1;
        }
        Self { counts }
    }

    /// The share of a class's images that are taken for another; 0 without any.
    fn share(&self, class: usize, predicted: usize) -> f64 {
        let all: usize = self.counts[class].iter().sum();
        self.counts[class][predicted] as f64 / all.max(1) as f64
    }

    /// The pairs most often confused: class, taken for, images. Ties in order.
    fn confused(&self) -> Vec<(usize, usize, usize)> {
        let mut pairs = Vec::new();
        for (class, row) in self.counts.iter().enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                if predicted != class && count > 0 {
                    pairs.push((class, predicted, count));
                }
            }
        }
        let share = |pair: &(usize, usize, usize)| self.share(pair.0, pair.1);
        pairs.sort_by(|a, b| share(b).total_cmp(&share(a)).then(b.2.cmp(&a.2)));
        pairs
    }
}

/// The place of the largest value, the first of equal ones.
fn largest(row: &[f32]) -> usize {
    let places = 0..row.len();
    let first = places.rev().max_by(|a, b| row[*a].total_cmp(&row[*b]));
    first.unwrap_or(0)
}

/// A matrix for each trial, where the classes are few enough.
pub(crate) fn figure(subjects: &[Subject]) -> Option<Figure> {
    let first = subjects.first()?;
    let classes = first.outputs.classes();
    let is_shown =
        |s: &&Subject| s.outputs.classes() == classes && !s.predictions.targets.is_empty();
    let shown: Vec<&Subject> = subjects.iter().filter(is_shown).collect();
    if !(2..=MOST).contains(&classes.len()) || shown.is_empty() {
        return None;
    }
    let names: Vec<String> = classes
        .iter()
        .map(|name| fit(name, NAMES, LONGEST))
        .collect();
    let widths = names.iter().map(|name| text_width(name, NAMES));
    let room = widths.fold(0.0, f64::max) + NEAR;
    let page_width = f64::from(WIDTH) - 2.0 * MARGIN;
    let fitting = |width: f64| ((width - room) / names.len() as f64).floor().min(CELL);
    let beside = fitting((page_width - 2.0 * MARGIN) / 2.0);
    let columns = if shown.len() > 1 && beside >= LEAST {
        2
    } else {
        1
    };
    let cell = if columns == 2 {
        beside
    } else {
        fitting(page_width)
    };
    let side = cell * names.len() as f64;
    let width = room + side;
    let gap = 2.0 * MARGIN;
    let mut page = Page::new("Which classes are taken for which");
    for row in shown.chunks(columns) {
        let top = page.bottom;
        let used = width * row.len() as f64 + gap * (row.len() - 1) as f64;
        let mut x = (f64::from(WIDTH) - used) / 2.0 + room;
        for subject in row {
            let title = fit(&subject.title, LETTERS, side);
            let at = (x + side / 2.0, top + LETTERS / 2.0);
            page.letters(&title, at, Align::Centre, (LETTERS, INK));
            let corner = (x, top + LETTERS + 8.0 + room);
            draw(&mut page, &Matrix::of(subject), &names, corner, cell);
            x += width + gap;
        }
        page.bottom = top + LETTERS + 8.0 + room + side + 16.0;
    }
    let caption =
        "Rows: the class; columns: what it is taken for. Percent of the row's validation \
                   images; empty: under 0.5%."
            .to_string();
    Some(Figure::new(
        NAME,
        "classes taken for each other",
        caption,
        page,
    ))
}

fn draw(page: &mut Page, matrix: &Matrix, names: &[String], (x, y): (f64, f64), cell: f64) {
    let size = if cell < 30.0 { 10.0 } else { 11.0 };
    for (row, name) in names.iter().enumerate() {
        let middle = (row as f64 + 0.5) * cell;
        page.letters(name, (x - NEAR, y + middle), Align::Right, (NAMES, INK));
        page.add(Shape::Upright {
            text: name.clone(),
            at: (x + middle, y - NEAR - text_width(name, NAMES) / 2.0),
            height: NAMES,
            colour: INK,
        });
        for column in 0..names.len() {
            let share = matrix.share(row, column);
            let at = (x + column as f64 * cell, y + row as f64 * cell);
            page.add(Shape::Box {
                at,
                size: (cell - 1.0, cell - 1.0),
                fill: shade(share),
            });
            let percent = format!("{:.0}", 100.0 * share);
            if percent != "0" {
                let middle = (at.0 + cell / 2.0 - 0.5, at.1 + cell / 2.0 - 0.5);
                let ink = if share > DARK { WHITE } else { INK };
                page.letters(&percent, middle, Align::Centre, (size, ink));
            }
        }
    }
}

/// From here on white letters stand out better.
const DARK: f64 = 0.75;
const WHITE: RGBColor = RGBColor(255, 255, 255);
/// The colour of nothing.
const NONE: RGBColor = RGBColor(243, 246, 249);

/// From nearly white to the palette's blue.
fn shade(share: f64) -> RGBColor {
    let full = style::colour(0);
    let mix = |none: u8, full: u8| {
        let value = f64::from(none) + share * (f64::from(full) - f64::from(none));
        value.round() as u8
    };
    RGBColor(
        mix(NONE.0, full.0),
        mix(NONE.1, full.1),
        mix(NONE.2, full.2),
    )
}

/// The classes most often taken for another, by the first subject, where they are
/// too many for a picture.
pub(crate) fn table(subjects: &[Subject]) -> Option<Table> {
    let subject = subjects.first()?;
    if subject.outputs.classes().len() <= MOST {
        return None;
    }
    let matrix = Matrix::of(subject);
    let percent = |share| format!("{}%", number::estimate(share, None, Unit::Percent));
    let row = |(class, predicted, count): (usize, usize, usize)| {
        vec![
            subject.class(class).to_string(),
            subject.class(predicted).to_string(),
            number::count(count),
            percent(matrix.share(class, predicted)),
        ]
    };
    let share = "share of its images".to_string();
    let header = [
        format!("class ({})", subject.title),
        "taken for".to_string(),
        "images".to_string(),
        share,
    ];
    let rows: Vec<Vec<String>> = matrix.confused().into_iter().take(ROWS).map(row).collect();
    (!rows.is_empty()).then(|| Table {
        header: header.to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_a_row_and_ties_in_order() {
        let matrix = Matrix {
            counts: vec![vec![2, 1, 1], vec![0, 0, 0], vec![3, 0, 1]],
        };
        assert_eq!(matrix.share(0, 1), 0.25);
        assert_eq!(matrix.share(1, 1), 0.0);
        assert_eq!(matrix.confused(), [(2, 0, 3), (0, 1, 1), (0, 2, 1)]);
        assert_eq!(largest(&[-1.0, -0.5, -0.5]), 1);
        assert_eq!(largest(&[]), 0);
    }

    #[test]
    fn shades_go_from_nothing_to_the_palette() {
        assert_eq!(shade(0.0), NONE);
        assert_eq!(shade(1.0), style::colour(0));
    }
}
