//! The moments of a training split, which every step that needs means and covariances
//! shares.

use std::ops::Range;

use rayon::prelude::*;

use super::Moments;
use crate::{Dataset, Error, Result, Split};

/// Images a thread takes at a time: enough to hide the cost of handing them out.
const CHUNK: usize = 256;

impl Moments {
    /// The moments of the training split: those the set brings along, or else taken by
    /// reading every training image once, on all threads. Sums are exact, so both are
    /// the same to the last bit.
    ///
    /// # Errors
    /// The split is empty, or an image or what the set brings along cannot be read.
    pub fn of_training(data: &dyn Dataset) -> Result<Self> {
        let shape = data.info().shape;
        let images = data.len(Split::Train);
        if images == 0 || shape.contains(&0) {
            return Err(Error::Other(format!(
                "statistics over the training split need pixels, but it holds {images} images of \
                 shape {shape:?}\n  fix: choose another data set"
            )));
        }
        if let Some(moments) = data.training_moments()? {
            return brought(moments, shape, images);
        }
        let starts: Vec<usize> = (0..images).step_by(CHUNK).collect();
        starts
            .into_par_iter()
            .map(|start| of_range(data, start..(start + CHUNK).min(images)))
            .try_reduce(|| Self::empty(shape), |a, b| Ok(a.merge(&b)))
    }
}

/// What a set brings along, if it is of all its training images and no others.
fn brought(moments: Moments, shape: [usize; 3], images: usize) -> Result<Moments> {
    if moments.shape == shape && moments.images == images as u64 {
        return Ok(moments);
    }
    Err(Error::Other(format!(
        "the data set's statistics are of {} images of shape {:?}, its training split has {images} \
         of shape {shape:?}\n  fix: `training_moments` of the data set must be those of its \
         training split, or `None`",
        moments.images, moments.shape
    )))
}

fn of_range(data: &dyn Dataset, range: Range<usize>) -> Result<Moments> {
    let mut moments = Moments::empty(data.info().shape);
    let mut pixels = vec![0; moments.sums.len()];
    for index in range {
        data.read(Split::Train, index, &mut pixels)?;
        moments.add(&pixels);
    }
    Ok(moments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatasetInfo;

    /// Training images held in memory.
    struct InMemory(DatasetInfo, Vec<Vec<u8>>);

    impl InMemory {
        fn new(shape: [usize; 3], images: Vec<Vec<u8>>) -> Self {
            let info = DatasetInfo {
                description: "images held in memory".to_string(),
                shape,
                classes: vec!["only".to_string()],
            };
            Self(info, images)
        }
    }

    impl Dataset for InMemory {
        fn info(&self) -> &DatasetInfo {
            &self.0
        }

        fn len(&self, _: Split) -> usize {
            self.1.len()
        }

        fn read(&self, _: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
            pixels.copy_from_slice(&self.1[index]);
            Ok(0)
        }
    }

    #[test]
    fn moments_of_two_tiny_images_by_hand() -> Result<()> {
        // Two channels, one row of two pixels.
        let data = InMemory::new([2, 1, 2], vec![vec![0, 2, 10, 30], vec![4, 6, 20, 40]]);
        let moments = Moments::of_training(&data)?;
        assert_eq!(moments.mean_image(), [2.0, 4.0, 15.0, 35.0]);
        assert_eq!(moments.channel_means(), [3.0, 25.0]);
        // (9 + 1 + 1 + 9) / 4; (45 - 5 - 5 + 45) / 4; (225 + 25 + 25 + 225) / 4.
        assert_eq!(moments.covariance(), [5.0, 20.0, 20.0, 125.0]);
        // (0 + 4 + 100 + 900 + 16 + 36 + 400 + 1600) / 8.
        assert_eq!(moments.mean_square(), 382.0);
        Ok(())
    }

    #[test]
    fn moments_agree_with_sums_over_floats_across_many_chunks() -> Result<()> {
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let count = 3 * CHUNK + 17;
        let images: Vec<Vec<u8>> = (0..count)
            .map(|_| (0..3 * 35).map(|_| draw()).collect())
            .collect();
        let data = InMemory::new([3, 5, 7], images.clone());
        let moments = Moments::of_training(&data)?;
        let pixel =
            |image: &Vec<u8>, channel: usize, place: usize| f64::from(image[channel * 35 + place]);
        let mean = |f: &dyn Fn(&Vec<u8>, usize) -> f64| {
            let sum: f64 = images
                .iter()
                .flat_map(|image| (0..35).map(|place| f(image, place)).collect::<Vec<_>>())
                .sum();
            sum / (images.len() * 35) as f64
        };
        let means: Vec<f64> = (0..3)
            .map(|c| mean(&|image, place| pixel(image, c, place)))
            .collect();
        for a in 0..3 {
            assert!((moments.channel_means()[a] - means[a]).abs() < 1e-9);
            for b in 0..3 {
                let covariance = mean(&|image, place| {
                    (pixel(image, a, place) - means[a]) * (pixel(image, b, place) - means[b])
                });
                assert!((moments.covariance()[3 * a + b] - covariance).abs() < 1e-7);
            }
        }
        for (place, mean) in moments.mean_image().iter().enumerate() {
            let sum: f64 = images.iter().map(|image| f64::from(image[place])).sum();
            assert!((mean - sum / images.len() as f64).abs() < 1e-9);
        }
        Ok(())
    }

    #[test]
    fn constant_images_have_no_covariance_at_all() -> Result<()> {
        // Large and white, so that neither sums of squares nor of blocks overflow.
        let data = InMemory::new([3, 300, 300], vec![vec![255; 270_000]; 3]);
        let moments = Moments::of_training(&data)?;
        assert_eq!(moments.covariance(), [0.0; 9]);
        assert_eq!(moments.mean_square(), 65_025.0);
        Ok(())
    }

    #[test]
    fn an_empty_split_is_refused() {
        let error = Moments::of_training(&InMemory::new([3, 2, 2], vec![])).expect_err("empty");
        assert!(error.to_string().contains("0 images"), "{error}");
    }
}
