//! The chroma of every filter, tower by tower and seed by seed: what the paper's
//! Fig. 3 shows of one net, as numbers of all.

use ablate_store::{Claim, Filters};

use super::{Figure, filters};
use crate::picture::shape::{Align, Shape};
use crate::picture::style::{self, FAINT, GRID, INK};
use crate::picture::{LETTERS, MARGIN, Page, SMALL, WIDTH, fit};
use crate::statistics::mean;
use crate::trials::Trials;

pub(crate) const NAME: &str = "chroma";

/// Height of the axis.
const AXIS: f64 = 240.0;
/// Room left of the strips, for the axis' labels.
const LEFT: f64 = 60.0;
/// The widest strip.
const STRIP: f64 = 70.0;
/// Radius of a dot.
const RADIUS: f64 = 1.8;

/// The filters of one tower.
struct Strip {
    /// `1`, `2`; nothing where there is one tower.
    name: String,
    chroma: Vec<f64>,
}

/// One variant: a list of strips for each seed.
struct Variant<'a> {
    name: &'a str,
    style: usize,
    seeds: Vec<(u64, Vec<Strip>)>,
}

/// The chroma of the treatment's and the baseline's filters over all seeds.
pub(crate) fn figure(claim: &Claim, trials: &Trials) -> Option<Figure> {
    let of = |name| filters_of(name, trials);
    let (treatment, baseline) = (of(&claim.treatment), of(&claim.baseline));
    let all = treatment.iter().chain(&baseline);
    let towers = all.map(|(_, filters)| filters.towers).max().unwrap_or(1);
    let variant = |style, name, seeds: &[(u64, &Filters)]| Variant {
        name,
        style,
        seeds: seeds
            .iter()
            .map(|(seed, filters)| (*seed, strips(filters, towers)))
            .filter(|(_, strips)| !strips.is_empty())
            .collect(),
    };
    let variants: Vec<Variant> = [
        variant(0, &*claim.treatment, &treatment),
        variant(1, &*claim.baseline, &baseline),
    ]
    .into_iter()
    .filter(|variant| !variant.seeds.is_empty())
    .collect();
    if variants.is_empty() {
        return None;
    }
    let mut page = Page::new("Chroma of the filters of the first convolution");
    draw(&mut page, &variants);
    let mut caption = "A dot is a filter, a bar the mean of a strip. Chroma is the share of a \
                       filter's energy off the grey axis: 0% is grey; noise has about 67%."
        .to_string();
    if towers > 1 {
        caption += " Strips are the towers; of a net that has none, the halves of its filters, \
                    which are arbitrary.";
    }
    Some(Figure::new(NAME, "chroma of the filters", caption, page))
}

/// The filters of a variant's finished trials.
fn filters_of<'a>(name: &str, trials: &Trials<'a>) -> Vec<(u64, &'a Filters)> {
    let group = trials.group(name).into_iter();
    let finished = group.flat_map(|group| group.finished());
    finished
        .filter_map(|trial| Some((trial.seed, trial.outputs.as_ref()?.filters()?)))
        .collect()
}

fn strips(filters: &Filters, towers: usize) -> Vec<Strip> {
    let chroma = filters.chroma().unwrap_or_default();
    let ranges = filters::halves(chroma.len(), towers);
    let strip = |(tower, range): (usize, std::ops::Range<usize>)| Strip {
        name: match towers {
            0 | 1 => String::new(),
            _ => (tower + 1).to_string(),
        },
        chroma: chroma[range].to_vec(),
    };
    let strips = ranges.into_iter().enumerate().map(strip);
    strips.filter(|strip| !strip.chroma.is_empty()).collect()
}

fn draw(page: &mut Page, variants: &[Variant]) {
    let top = page.bottom;
    let (left, right) = (LEFT, f64::from(WIDTH) - MARGIN);
    for tick in 0..=4_u32 {
        let y = top + AXIS * (1.0 - f64::from(tick) / 4.0);
        let colour = if tick == 0 { INK } else { GRID };
        page.add(Shape::Line {
            from: (left, y),
            to: (right, y),
            width: 1.0,
            colour,
        });
        let text = format!("{}%", 25 * tick);
        page.letters(&text, (left - 6.0, y), Align::Right, (SMALL, INK));
    }
    // A space of one strip keeps variants apart, half of one the seeds.
    let room = |variant: &Variant| {
        let strips: usize = variant.seeds.iter().map(|(_, strips)| strips.len()).sum();
        strips as f64 + 0.5 * (variant.seeds.len() - 1) as f64
    };
    let rooms: f64 = variants.iter().map(room).sum::<f64>() + variants.len() as f64;
    let strip = ((right - left) / rooms).min(STRIP);
    let mut x = (left + right - strip * rooms) / 2.0 + strip / 2.0;
    page.bottom = top + AXIS;
    for variant in variants {
        let width = strip * room(variant);
        draw_variant(page, variant, (x, top), strip);
        let name = fit(variant.name, LETTERS, width + strip * 0.8);
        let at = (x + width / 2.0, top + AXIS + 48.0);
        page.letters(&name, at, Align::Centre, (LETTERS, INK));
        x += width + strip;
    }
    page.bottom = top + AXIS + 64.0;
}

fn draw_variant(page: &mut Page, variant: &Variant, (mut x, top): (f64, f64), strip: f64) {
    for (seed, strips) in &variant.seeds {
        let middle = x + strip * strips.len() as f64 / 2.0;
        let seed = fit(
            &format!("seed {seed}"),
            SMALL,
            strip * (strips.len() as f64 + 0.4),
        );
        page.letters(
            &seed,
            (middle, top + AXIS + 29.0),
            Align::Centre,
            (SMALL, FAINT),
        );
        for part in strips {
            let centre = x + strip / 2.0;
            let y = |chroma: f64| top + AXIS * (1.0 - chroma);
            for (aside, chroma) in swarm(&part.chroma, 0.45 * strip) {
                page.add(Shape::Dot {
                    at: (centre + aside, y(chroma)),
                    radius: RADIUS,
                    colour: style::colour(variant.style),
                });
            }
            let y = y(mean(&part.chroma));
            page.add(Shape::Line {
                from: (centre - 0.4 * strip, y),
                to: (centre + 0.4 * strip, y),
                width: 2.0,
                colour: INK,
            });
            let at = (centre, top + AXIS + 12.0);
            page.letters(&part.name, at, Align::Centre, (SMALL, FAINT));
            x += strip;
        }
        x += 0.5 * strip;
    }
}

/// Values with a place aside, at most `most`, so that equal ones lie side by side.
fn swarm(values: &[f64], most: f64) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.iter().map(|value| value.clamp(0.0, 1.0)).collect();
    sorted.sort_by(f64::total_cmp);
    // Dots within a diameter of each other would overlap.
    let bin = |value: f64| (value * AXIS / (2.0 * RADIUS)) as usize;
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for bin in sorted.chunk_by(|a, b| bin(*a) == bin(*b)) {
        let step = (2.2 * RADIUS).min(2.0 * most / bin.len() as f64);
        let first = -0.5 * step * (bin.len() - 1) as f64;
        placed.extend(
            (0..)
                .zip(bin)
                .map(|(place, value)| (first + step * f64::from(place), *value)),
        );
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_lie_side_by_side_within_the_strip() {
        let placed = swarm(&[0.5, 0.0, 0.5, 0.5], 30.0);
        assert_eq!(placed[0], (0.0, 0.0));
        let asides: Vec<f64> = placed[1..].iter().map(|place| place.0).collect();
        assert!((asides[0] + asides[2]).abs() < 1e-9 && asides[1].abs() < 1e-9);
        assert!(asides[1] - asides[0] >= 2.0 * RADIUS);
        for (aside, _) in swarm(&[0.3; 500], 10.0) {
            assert!(aside.abs() <= 10.0);
        }
    }
}
