//! A picture of a data set: a row of training images for each class.

mod font;

use std::path::Path;

use ablate_core::{Dataset, DatasetInfo, Error, Result, Split};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

/// Smaller images are enlarged by a whole factor up to about this side.
const SMALL_TILE: u32 = 64;

/// Larger images are shrunk to this side.
const LARGE_TILE: u32 = 128;

const GAP: u32 = 4;
const MARGIN: u32 = 16;
const TEXT_SCALE: u32 = 2;
const PAPER: Rgb<u8> = Rgb([252, 252, 250]);
const INK: Rgb<u8> = Rgb([50, 50, 56]);

/// The most pixels a preview may have: half a gigabyte in memory.
const LARGEST_PICTURE: u64 = 1 << 27;

/// The longest name shown; a longer one ends in dots.
const LONGEST_NAME: usize = 28;

/// Writes a PNG of up to `per_class` training images of each class, a row a
/// class, with the class names beside the rows.
///
/// Images are taken from all over the set, the same ones every time, and shown
/// as stored, before any augmentation.
///
/// # Errors
/// `per_class` is 0 or the picture would be too large, an image cannot be read,
/// or the file cannot be written.
pub fn preview(dataset: &dyn Dataset, path: &Path, per_class: usize) -> Result<()> {
    let layout = Layout::new(dataset.info(), per_class)?;
    let mut picture = layout.page(dataset.info());
    let [channels, height, width] = dataset.info().shape;
    let mut pixels = vec![0; channels * height * width];
    let mut shown = vec![0; dataset.info().classes.len()];
    for index in scattered(dataset.len(Split::Train)) {
        if shown.iter().all(|&count| count >= per_class) {
            break;
        }
        let label = dataset.read(Split::Train, index, &mut pixels)? as usize;
        let Some(count) = shown.get_mut(label) else {
            let classes = dataset.info().classes.len();
            let problem = format!("image {index} has the label {label} of {classes} classes");
            return Err(Error::Other(problem));
        };
        if *count < per_class {
            let tile = layout.tile(interleave(&pixels, width as u32, height as u32));
            let [left, top] = layout.position(label as u32, *count as u32);
            imageops::replace(&mut picture, &tile, left.into(), top.into());
            *count += 1;
        }
    }
    picture
        .save_with_format(path, ImageFormat::Png)
        .map_err(|error| {
            Error::bad_file(
                path,
                format!("not written: {error}"),
                "give a writable path",
            )
        })
}

/// Every index below `count` once, each far from the last: sets are often sorted
/// by class, and reading one to its end takes long.
fn scattered(count: usize) -> impl Iterator<Item = usize> {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    // About the golden section of the set, and without a common factor.
    let mut stride = (count as f64 * 0.618).ceil().max(1.0) as usize;
    while gcd(stride, count) > 1 {
        stride += 1;
    }
    (0..count).map(move |step| (step as u128 * stride as u128 % count as u128) as usize)
}

/// Planes, one or three, as an image.
fn interleave(planes: &[u8], width: u32, height: u32) -> RgbImage {
    let plane = (width * height) as usize;
    let channels = planes.len() / plane;
    RgbImage::from_fn(width, height, |x, y| {
        let at = (y * width + x) as usize;
        Rgb([0, 1, 2].map(|channel: usize| planes[channel.min(channels - 1) * plane + at]))
    })
}

/// Where things are in the picture.
struct Layout {
    /// Width and height of a shown image.
    tile: [u32; 2],
    /// Left edge of the images.
    left: u32,
    columns: u32,
}

impl Layout {
    fn new(info: &DatasetInfo, per_class: usize) -> Result<Self> {
        let [channels, height, width] = info.shape;
        if per_class == 0 {
            return Err(Error::bad_value(
                "per_class",
                "no images",
                "give at least 1",
            ));
        }
        if !matches!(channels, 1 | 3) {
            let problem = format!("images of {channels} channels cannot be shown");
            return Err(Error::Other(format!(
                "{problem}\n  fix: use a set of 1 or 3 channels"
            )));
        }
        let names = info
            .classes
            .iter()
            .map(|name| font::width(&short(name), TEXT_SCALE));
        let layout = Self {
            tile: shown_size(width as u32, height as u32),
            left: 2 * MARGIN + names.max().unwrap_or(0),
            columns: u32::try_from(per_class).unwrap_or(u32::MAX),
        };
        let [width, height] = layout.size(info.classes.len());
        if width.saturating_mul(height) > LARGEST_PICTURE {
            let problem = format!("the picture would have {width} x {height} pixels");
            return Err(Error::bad_value(
                "per_class",
                problem,
                "show fewer images a class",
            ));
        }
        Ok(layout)
    }

    fn size(&self, classes: usize) -> [u64; 2] {
        let across = |tiles: u64, side: u32| tiles * u64::from(side + GAP) - u64::from(GAP);
        [
            u64::from(self.left + MARGIN) + across(self.columns.into(), self.tile[0]),
            u64::from(2 * MARGIN) + across(classes.max(1) as u64, self.tile[1]),
        ]
    }

    /// The empty picture with the class names.
    fn page(&self, info: &DatasetInfo) -> RgbImage {
        let [width, height] = self.size(info.classes.len()).map(|side| side as u32);
        let mut picture = RgbImage::from_pixel(width, height, PAPER);
        for (label, name) in (0..).zip(&info.classes) {
            let [left, top] = self.position(label, 0);
            let name = short(name);
            let start = left - MARGIN - font::width(&name, TEXT_SCALE);
            let middle = top + (self.tile[1].saturating_sub(font::height(TEXT_SCALE))) / 2;
            font::draw(&mut picture, [start, middle], &name, TEXT_SCALE, INK);
        }
        picture
    }

    fn position(&self, row: u32, column: u32) -> [u32; 2] {
        [
            self.left + column * (self.tile[0] + GAP),
            MARGIN + row * (self.tile[1] + GAP),
        ]
    }

    /// An image in the size it is shown in; pixels stay sharp when enlarged.
    fn tile(&self, image: RgbImage) -> RgbImage {
        let [width, height] = self.tile;
        let filter = if width >= image.width() {
            FilterType::Nearest
        } else {
            FilterType::CatmullRom
        };
        imageops::resize(&image, width, height, filter)
    }
}

/// The size an image of that size is shown in.
fn shown_size(width: u32, height: u32) -> [u32; 2] {
    let longer = width.max(height);
    if longer > LARGE_TILE {
        let shrink = |side: u32| (side * LARGE_TILE).div_ceil(longer);
        return [shrink(width), shrink(height)];
    }
    let factor = (SMALL_TILE / longer).max(1);
    [width * factor, height * factor]
}

/// A class name of few letters: the first of several synonyms, cut if long.
fn short(name: &str) -> String {
    let first = name.split(',').next().unwrap_or_default().trim();
    if first.chars().count() <= LONGEST_NAME {
        return first.to_string();
    }
    first
        .chars()
        .take(LONGEST_NAME - 2)
        .chain("..".chars())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_visits_every_index_once() {
        for count in [0, 1, 2, 3, 10, 1000, 4181] {
            let mut order: Vec<_> = scattered(count).collect();
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_are_cut_at_synonyms_and_length() {
        assert_eq!(short("ox"), "ox");
        assert_eq!(short("bathtub, bathing tub"), "bathtub");
        assert_eq!(short(&"x".repeat(40)).len(), LONGEST_NAME);
    }

    #[test]
    fn small_images_grow_by_whole_factors_and_large_ones_shrink() {
        assert_eq!(shown_size(32, 32), [64, 64]);
        assert_eq!(shown_size(100, 50), [100, 50]);
        assert_eq!(shown_size(256, 128), [128, 64]);
    }
}
