//! From the bytes of an image file to the network's input size.
//!
//! The paper's preparation (section 2): scale the image so that its shorter side
//! has the wanted length, then cut the centre square out.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageReader, Limits, RgbImage};

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
/// What is wrong with the image, without its name.
pub(crate) fn prepare(bytes: &[u8], size: usize, pixels: &mut [u8]) -> Result<(), String> {
    write_planes(&prepare_image(bytes, size)?, pixels);
    Ok(())
}

/// As [`prepare`], but as an image, pixel by pixel.
///
/// # Errors
/// As for [`prepare`].
pub(crate) fn prepare_image(bytes: &[u8], size: usize) -> Result<RgbImage, String> {
    Ok(square(decode(bytes)?, size as u32))
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

/// Scales the shorter side to `size` and cuts the centre square out.
fn square(image: RgbImage, size: u32) -> RgbImage {
    let image = trim(image);
    let (width, height) = image.dimensions();
    let shorter = width.min(height);
    let scaled =
        |side: u32| (f64::from(side) * f64::from(size) / f64::from(shorter)).round() as u32;
    let (wide, high) = (scaled(width), scaled(height));
    let image = if shorter == size {
        image
    } else {
        imageops::resize(&image, wide, high, FilterType::CatmullRom)
    };
    imageops::crop_imm(&image, (wide - size) / 2, (high - size) / 2, size, size).to_image()
}

/// Cuts what is beyond eight times the shorter side, which the centre square
/// never sees: a strip of 1 x 16,384 pixels would otherwise grow to gigabytes.
fn trim(image: RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let longest = width.min(height).saturating_mul(8);
    if width.max(height) <= longest {
        return image;
    }
    let (wide, high) = (width.min(longest), height.min(longest));
    imageops::crop_imm(&image, (width - wide) / 2, (height - high) / 2, wide, high).to_image()
}

/// Writes an image plane by plane.
pub(crate) fn write_planes(image: &RgbImage, pixels: &mut [u8]) {
    let plane = pixels.len() / 3;
    for (index, colour) in image.pixels().enumerate() {
        for (channel, &value) in colour.0.iter().enumerate() {
            pixels[channel * plane + index] = value;
        }
    }
}

/// Whether a JPEG ends before its end marker. Decoders pass over it and paint what
/// is missing grey, which a network would then judge.
pub(crate) fn is_cut_off(bytes: &[u8]) -> bool {
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
    !bytes[at..].windows(2).any(|pair| pair == END)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgb};

    use super::*;

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
