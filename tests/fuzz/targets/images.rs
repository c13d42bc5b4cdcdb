//! One image file, as `predict` reads it and `data prepare` decodes it.

use image::ImageFormat::{Jpeg, Png};
use image::{DynamicImage, ImageBuffer, Luma};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::MIB;
use crate::engine::{Part, Target};
use crate::seeds::{FOUR_COLOURS, encoded, picture};
use crate::{change, repair, scratch};

#[test]
fn images() {
    let folder = scratch::folder();
    let path = folder.path().join("photo");
    let colour = DynamicImage::from(picture(1));
    let deep = ImageBuffer::from_fn(9, 7, |x, y| Luma([(x * 7001 + y) as u16]));
    let mut jpegs = vec![
        encoded(colour.clone(), Jpeg),
        encoded(colour.to_luma8(), Jpeg),
    ];
    jpegs.extend(FOUR_COLOURS.map(<[u8]>::to_vec));
    let pngs = vec![
        encoded(colour.clone(), Png),
        encoded(colour.to_luma_alpha8(), Png),
        encoded(colour.to_rgba16(), Png),
        encoded(deep, Png),
    ];
    let target = Target {
        name: "images",
        parts: vec![
            Part {
                name: "jpeg",
                seeds: jpegs,
                change: change::bytes,
            },
            Part {
                name: "png",
                seeds: pngs,
                change: png,
            },
        ],
        // The decoder's own limit, and its result scaled.
        memory: 1300 * MIB,
        share: 1.0,
    };
    target.run(|_, input| {
        std::fs::write(&path, input).expect("writable");
        let pixels =
            ablate_data::read_image(&path, [3, 8, 8]).map_err(|error| error.to_string())?;
        assert_eq!(pixels.len(), 192);
        Ok(())
    });
}

fn png(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    change::bytes(input, other, rng);
    if rng.random_bool(0.7) {
        repair::png(input);
    }
}
