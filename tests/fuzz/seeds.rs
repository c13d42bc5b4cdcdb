//! Valid files to begin with: images and archives.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};

/// An image as a file of that format.
pub fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image: DynamicImage = image.into();
    image
        .write_to(&mut bytes, format)
        .expect("memory can be written");
    bytes.into_inner()
}

/// A picture that differs with `seed`.
pub fn picture(seed: u32) -> RgbImage {
    RgbImage::from_fn(11 + seed % 3, 9, |x, y| {
        image::Rgb([(20 * x + 9 * seed) as u8, (25 * y) as u8, 77])
    })
}

/// CMYK and YCCK, which the data sets' own tests read too.
pub const FOUR_COLOURS: [&[u8]; 2] = [
    include_bytes!("../../crates/data/tests/fixtures/cmyk.jpg"),
    include_bytes!("../../crates/data/tests/fixtures/ycck.jpg"),
];
