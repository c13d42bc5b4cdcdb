//! From the bytes of an image file to the network's input size.
//!
//! The paper's preparation (section 2): scale the image so that its shorter side
//! has the wanted length, then cut the centre square out.

use std::io::Cursor;

use fast_image_resize::images::{Image as ScaledImage, ImageRef};
use fast_image_resize::{FilterType, IntoImageView, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{ImageReader, Limits, RgbImage};
use pulp::Arch;

/// The longest side that is decoded; the largest ImageNet photograph has 9331.
const LONGEST_SIDE: u32 = 16_384;

/// The largest file that is read: far above any photograph, far below memory.
pub(crate) const LARGEST_FILE: u64 = 64 << 20;

/// The largest prepared image; a set of larger ones would fit no memory.
pub(crate) const LARGEST_SIZE: usize = 2048;

/// The most memory that a decoder may take.
const DECODER_BYTES: u64 = 512 << 20;

/// Decodes an image, whatever its ending says it is, and prepares it as
/// `3 * size * size` bytes, plane by plane.
///
/// Grey is repeated in all channels, CMYK converted, transparency dropped. Smaller
/// images are enlarged. The filter is cubic (Catmull-Rom), widened when shrinking.
///
/// # Errors
/// What is wrong with the image, such as that it is cut off, without its name.
pub(crate) fn prepare(bytes: &[u8], size: usize, pixels: &mut [u8]) -> Result<(), String> {
    write_planes(&prepare_image(bytes, size)?, pixels);
    Ok(())
}

/// As [`prepare`], but as an image, pixel by pixel.
///
/// # Errors
/// As for [`prepare`].
pub(crate) fn prepare_image(bytes: &[u8], size: usize) -> Result<RgbImage, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_string());
    }
    if is_cut_off(bytes) {
        return Err("the JPEG is cut off".to_string());
    }
    square(&decode(bytes)?, size as u32)
}

/// Decodes a JPEG or a PNG, told apart by their bytes, within limits of size.
///
/// # Errors
/// As for [`prepare`].
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    if reader.format().is_none() {
        return Err("neither a JPEG nor a PNG".to_string());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| error.to_string())?;
    Ok(image.into_rgb8())
}

/// Pixels to each side that the cubic filter sees, in pixels of the smaller image.
const REACH: f64 = 2.0;

/// Scales the shorter side to `size` and cuts the centre square out. Only pixels of
/// the square are computed, from what the filter sees of the whole image.
///
/// # Errors
/// What the library says.
fn square(image: &RgbImage, size: u32) -> Result<RgbImage, String> {
    let (width, height) = image.dimensions();
    let (target, shorter) = (f64::from(size), f64::from(width.min(height)));
    // Where the square begins along a side and how long it is, in pixels of the image.
    let cut = |side: u32| {
        let side = f64::from(side);
        let scaled = (side * target / shorter).round();
        let before = ((scaled - target) / 2.0).floor();
        // Multiplied first: of the shorter side it is the whole, without rounding.
        (before * side / scaled, target * side / scaled)
    };
    let ((left, wide), (top, high)) = (cut(width), cut(height));
    let reach = REACH * (high / target).max(1.0);
    let first = (top - reach).floor().max(0.0);
    let last = (top + high + reach).ceil().min(f64::from(height));
    let source = ImageRef::new(width, height, image.as_raw(), PixelType::U8x3)
        .map_err(|error| error.to_string())?;
    // Across first, as Pillow does: what overshoots is clipped in between, and in the
    // other order sharp edges differ by many levels.
    let rows = last - first;
    let across = scale(&source, [size, rows as u32], [left, first, wide, rows])?;
    let square = scale(&across, [size, size], [0.0, top - first, target, high])?;
    RgbImage::from_raw(size, size, square.into_vec())
        .ok_or_else(|| "the scaled image has too few bytes".to_string())
}

/// Scales what lies in a box, left, top, width and height, to a width and height.
fn scale(
    image: &impl IntoImageView,
    [width, height]: [u32; 2],
    [left, top, wide, high]: [f64; 4],
) -> Result<ScaledImage<'static>, String> {
    let mut scaled = ScaledImage::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(left, top, wide, high);
    Resizer::new()
        .resize(image, &mut scaled, &options)
        .map_err(|error| error.to_string())?;
    Ok(scaled)
}

/// Writes an image plane by plane.
pub(crate) fn write_planes(image: &RgbImage, pixels: &mut [u8]) {
    let (red, others) = pixels.split_at_mut(pixels.len() / 3);
    let (green, blue) = others.split_at_mut(others.len() / 2);
    let (colours, _) = image.as_raw().as_chunks::<3>();
    // Byte by byte it takes a tenth of the time to decode; instructions that shuffle the
    // bytes of a register, which not every processor has, take a fifteenth of that.
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (((red, green), blue), colour) in red.iter_mut().zip(green).zip(blue).zip(colours) {
                [*red, *green, *blue] = *colour;
            }
        },
    );
}

/// Whether a JPEG ends before its end marker. Decoders pass over it and paint what
/// is missing grey, which a network would then judge.
fn is_cut_off(bytes: &[u8]) -> bool {
    const START: [u8; 2] = [0xff, 0xd8];
    const END: [u8; 2] = [0xff, 0xd9];
    const SCAN: u8 = 0xda;
    if !bytes.starts_with(&START) {
        return false;
    }
    let mut at = START.len();
    // The segments before the first scan may hold a thumbnail with its own end.
    loop {
        match bytes.get(at..at + 4) {
            // A fill byte before a marker.
            Some([0xff, 0xff, ..]) => at += 1,
            Some([0xff, SCAN, ..]) => break,
            Some([0xff, _, high, low]) => {
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
            }
            // Cut off before a scan, or no JPEG after all: the decoder says which.
            _ => return false,
        }
    }
    // From the back, where it is in any whole file.
    !bytes[at..].windows(2).rev().any(|pair| pair == END)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgb};

    use super::*;

    #[test]
    fn planes_hold_each_colour_at_its_place() {
        for (width, height) in [(1, 1), (5, 3), (31, 1), (32, 2), (67, 41)] {
            let image = RgbImage::from_fn(width, height, |x, y| {
                Rgb([0, 1, 2].map(|channel| (x * 7 + y * 31 + channel * 85) as u8))
            });
            let area = (width * height) as usize;
            let mut pixels = vec![0; 3 * area];
            write_planes(&image, &mut pixels);
            for (place, value) in pixels.into_iter().enumerate() {
                let at = (place % area) as u32;
                assert_eq!(value, image.get_pixel(at % width, at / width)[place / area]);
            }
        }
    }

    fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image
            .into()
            .write_to(&mut bytes, format)
            .expect("memory can be written");
        bytes.into_inner()
    }

    fn prepared(bytes: &[u8], size: usize) -> Vec<u8> {
        let mut pixels = vec![0; 3 * size * size];
        prepare(bytes, size, &mut pixels).expect("a good image");
        pixels
    }

    #[test]
    fn an_image_of_the_right_size_is_not_touched() {
        let image = RgbImage::from_fn(7, 5, |x, y| Rgb([x as u8, y as u8, 99]));
        let pixels = prepared(&encode(image, ImageFormat::Png), 5);
        let row: Vec<u8> = vec![1, 2, 3, 4, 5];
        assert_eq!(pixels[..25], row.repeat(5));
        let column: Vec<u8> = (0..5).flat_map(|y| [y; 5]).collect();
        assert_eq!(pixels[25..50], column);
        assert_eq!(pixels[50..], [99; 25]);
    }

    #[test]
    fn the_centre_is_kept_and_shrinking_averages() {
        // Stripes of one pixel average to grey; the sides are cut away.
        let image = RgbImage::from_fn(96, 32, |x, y| match x {
            32..64 => Rgb([if y % 2 == 0 { 0 } else { 200 }; 3]),
            _ => Rgb([255, 0, 0]),
        });
        let pixels = prepared(&encode(image, ImageFormat::Png), 8);
        let inner = (1..7).flat_map(|y| (1..7).map(move |x| y * 8 + x));
        for at in inner {
            assert!((95..=105).contains(&pixels[at]), "{}", pixels[at]);
        }
    }

    #[test]
    fn strips_and_single_pixels_become_squares() {
        for (width, height) in [(1, 16_000), (16_000, 1), (1, 1), (3, 7)] {
            let image = RgbImage::from_pixel(width, height, Rgb([10, 20, 30]));
            let pixels = prepared(&encode(image, ImageFormat::Png), 256);
            assert_eq!([pixels[0], pixels[65_536], pixels[196_607]], [10, 20, 30]);
        }
    }

    #[test]
    fn scaling_is_that_of_pillow_on_every_machine() {
        // Made by tests/fixtures/pillow.py; enlarged to 80. The checksums hold whatever
        // instructions the processor has.
        let photo = include_bytes!("../tests/fixtures/photo.png");
        let pillow: [(_, &[u8], _); 2] = [
            (
                24,
                include_bytes!("../tests/fixtures/photo-24.png"),
                0xd311_7c08_u32,
            ),
            (
                80,
                include_bytes!("../tests/fixtures/photo-80.png"),
                0x6330_70c7,
            ),
        ];
        for (size, theirs, checksum) in pillow {
            let (ours, theirs) = (prepared(photo, size), prepared(theirs, size));
            let pairs = ours.iter().zip(&theirs);
            let furthest = pairs.map(|(a, b)| a.abs_diff(*b)).max();
            assert!(furthest <= Some(1), "{furthest:?} levels at {size}");
            let mut crc = flate2::Crc::new();
            crc.update(&ours);
            assert_eq!(crc.sum(), checksum, "at {size}");
        }
    }

    #[test]
    fn every_shape_can_be_scaled_to_every_size() {
        // What is cut out must not be rounded beyond the image.
        for size in [1, 3, 7, 29] {
            for (width, height) in (1..50).flat_map(|w| (1..50).map(move |h| (w, h))) {
                let image = RgbImage::from_pixel(width, height, Rgb([10, 20, 30]));
                let square = square(&image, size).expect("a good image");
                let is_even = square.pixels().all(|pixel| pixel.0 == [10, 20, 30]);
                assert!(is_even, "{width} x {height} to {size}");
            }
        }
    }

    #[test]
    fn grey_transparent_and_deep_images_become_rgb() {
        let grey = encode(
            image::GrayImage::from_pixel(4, 4, image::Luma([77])),
            ImageFormat::Jpeg,
        );
        assert_eq!(prepared(&grey, 4), [77; 48]);
        let clear = image::RgbaImage::from_pixel(4, 4, image::Rgba([9, 9, 9, 0]));
        assert_eq!(prepared(&encode(clear, ImageFormat::Png), 4), [9; 48]);
        let deep = image::ImageBuffer::from_pixel(4, 4, image::Luma([0x8080_u16]));
        assert_eq!(prepared(&encode(deep, ImageFormat::Png), 4), [0x80; 48]);
    }

    #[test]
    fn cmyk_and_ycck_jpegs_keep_their_colours() {
        // Left half (200, 40, 40), right half (40, 60, 200), to Pillow as well.
        let files: [&[u8]; 2] = [
            include_bytes!("../tests/fixtures/cmyk.jpg"),
            include_bytes!("../tests/fixtures/ycck.jpg"),
        ];
        for (bytes, (at, expected)) in files
            .iter()
            .flat_map(|file| [(0, [200, 40, 40]), (7, [40, 60, 200])].map(|half| (file, half)))
        {
            let pixels = prepared(bytes, 8);
            for (channel, value) in expected.into_iter().enumerate() {
                let found = i32::from(pixels[channel * 64 + at]);
                assert!(
                    (found - value).abs() < 12,
                    "{found} where {value} was stored"
                );
            }
        }
    }
}
