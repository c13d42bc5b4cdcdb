//! Tensors as pictures.

use ablate_store::{Filters, Samples};
use image::{Rgb, RgbImage};

/// Whether images of so many channels can be shown.
pub(crate) fn is_shown(channels: usize) -> bool {
    matches!(channels, 1 | 3)
}

/// A sample; `None` where it has neither one channel nor three, or no pixels.
pub(crate) fn sample(samples: &Samples, sample: usize) -> Option<RgbImage> {
    image(samples.shape, &samples.pixels, sample)
}

/// One of many images of the same shape `[C, H, W]`; `None` as for [`sample`].
pub(crate) fn image(shape: [usize; 3], pixels: &[u8], image: usize) -> Option<RgbImage> {
    let length: usize = shape.iter().product();
    let pixels = pixels.get(image * length..)?.get(..length)?;
    picture(shape, |at| pixels[at])
}

/// A filter: a weight of zero is mid grey, the filter's largest weight, of either
/// sign, black or white.
pub(crate) fn filter(filters: &Filters, filter: usize) -> Option<RgbImage> {
    let [_, channels, height, width] = filters.shape;
    let length = channels * height * width;
    let weights = filters.weights.get(filter * length..)?.get(..length)?;
    let most = weights.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
    let level = |weight: f32| match most > 0.0 && weight.is_finite() {
        true => (127.5 + 127.5 * weight / most).round() as u8,
        false => 128,
    };
    picture([channels, height, width], |at| level(weights[at]))
}

/// The image `[C, H, W]` whose values `level` gives by their place in memory.
fn picture([channels, height, width]: [usize; 3], level: impl Fn(usize) -> u8) -> Option<RgbImage> {
    if !is_shown(channels) || height == 0 || width == 0 {
        return None;
    }
    let area = height * width;
    let pixel = |x: u32, y: u32| {
        let place = y as usize * width + x as usize;
        Rgb([0, 1, 2].map(|channel: usize| level(channel.min(channels - 1) * area + place)))
    };
    Some(RgbImage::from_fn(width as u32, height as u32, pixel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_scaled_about_grey() {
        let filters = Filters {
            shape: [2, 3, 1, 2],
            weights: vec![
                0.5, 0.0, -0.25, 0.0, 0.0, 0.0, //
                0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
            ],
            towers: 1,
        };
        let first = filter(&filters, 0).expect("a picture");
        assert_eq!(first.get_pixel(0, 0).0, [255, 64, 128]);
        assert_eq!(first.get_pixel(1, 0).0, [128; 3]);
        let zeros = filter(&filters, 1).expect("a picture");
        assert_eq!(zeros.get_pixel(0, 0).0, [128; 3]);
        assert!(filter(&filters, 2).is_none());
    }

    #[test]
    fn grey_images_are_grey_and_others_are_not_shown() {
        let samples = |channels: usize, pixels: &[u8]| Samples {
            shape: [channels, 1, 2],
            pixels: pixels.to_vec(),
            index: vec![0],
            features: None,
        };
        let grey = sample(&samples(1, &[7, 9]), 0).expect("a picture");
        assert_eq!(grey.get_pixel(1, 0).0, [9; 3]);
        let coloured = sample(&samples(3, &[1, 2, 3, 4, 5, 6]), 0).expect("a picture");
        assert_eq!(coloured.get_pixel(1, 0).0, [2, 4, 6]);
        assert!(sample(&samples(2, &[1, 2, 3, 4]), 0).is_none());
        assert!(sample(&samples(3, &[1, 2, 3, 4, 5, 6]), 1).is_none());
    }
}
