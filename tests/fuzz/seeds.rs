//! Valid files to begin with: images and tensors.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Map, Value, json};

use crate::repair;

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

/// A safetensors file of zeros in float32, perhaps with metadata.
pub fn zeros(metadata: Option<Value>, shapes: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut header, mut end) = (Map::new(), 0);
    header.extend(metadata.map(|metadata| ("__metadata__".to_string(), metadata)));
    for (name, shape) in shapes {
        let begin = end;
        end += 4 * shape.iter().product::<usize>();
        let info = json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, end] });
        header.insert((*name).to_string(), info);
    }
    repair::joined(Value::Object(header).to_string().as_bytes(), &vec![0; end])
}
