//! Sums over the training split from which means and covariances follow.
//!
//! Pixels are bytes, so the sums are kept as integers: exact, and therefore the
//! same whatever the number of threads and the order in which they read.

use ablate_core::{Dataset, Error, Result, Split};
use rayon::prelude::*;

/// Images a thread takes at a time: enough to hide the cost of handing them out.
const CHUNK: usize = 256;

/// First and second moments of the pixels of a training split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moments {
    /// Channels, height and width `[C, H, W]` of an image as stored.
    shape: [usize; 3],
    images: u64,
    /// For each place of an image `[C, H, W]`, the sum over the images.
    sums: Vec<u64>,
    /// For each pair of channels `[C, C]`, the sum over images and pixels of the
    /// product of the two.
    products: Vec<u64>,
}

impl Moments {
    /// Reads every training image once, on all threads.
    ///
    /// # Errors
    /// The split is empty, or an image cannot be read.
    pub fn of_training(data: &dyn Dataset) -> Result<Self> {
        let shape = data.info().shape;
        let images = data.len(Split::Train);
        if images == 0 || shape.contains(&0) {
            return Err(Error::Other(format!(
                "statistics over the training split need pixels, but it holds {images} images of \
                 shape {shape:?}\n  fix: choose another data set"
            )));
        }
        let starts: Vec<usize> = (0..images).step_by(CHUNK).collect();
        starts
            .into_par_iter()
            .map(|start| Self::of_range(data, start..(start + CHUNK).min(images)))
            .try_reduce(|| Self::empty(shape), |a, b| Ok(a.merge(&b)))
    }

    fn empty(shape: [usize; 3]) -> Self {
        Self {
            shape,
            images: 0,
            sums: vec![0; shape.iter().product()],
            products: vec![0; shape[0] * shape[0]],
        }
    }

    fn of_range(data: &dyn Dataset, range: std::ops::Range<usize>) -> Result<Self> {
        let mut moments = Self::empty(data.info().shape);
        let mut pixels = vec![0; moments.sums.len()];
        for index in range {
            data.read(Split::Train, index, &mut pixels)?;
            moments.add(&pixels);
        }
        Ok(moments)
    }

    fn add(&mut self, pixels: &[u8]) {
        self.images += 1;
        for (sum, pixel) in self.sums.iter_mut().zip(pixels) {
            *sum += u64::from(*pixel);
        }
        let channels = self.shape[0];
        let planes: Vec<&[u8]> = pixels.chunks_exact(self.area()).collect();
        for row in 0..channels {
            for column in 0..=row {
                let product = dot(planes[row], planes[column]);
                self.products[row * channels + column] += product;
                if row != column {
                    self.products[column * channels + row] += product;
                }
            }
        }
    }

    fn merge(mut self, other: &Self) -> Self {
        self.images += other.images;
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
        for (product, other) in self.products.iter_mut().zip(&other.products) {
            *product += other;
        }
        self
    }

    /// Pixels of one channel of one image.
    fn area(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// The mean image `[C, H, W]`.
    pub fn mean_image(&self) -> Vec<f64> {
        let images = self.images as f64;
        self.sums.iter().map(|sum| *sum as f64 / images).collect()
    }

    /// The mean of each channel `[C]`.
    pub fn channel_means(&self) -> Vec<f64> {
        let pixels = self.images as f64 * self.area() as f64;
        let sums = self.channel_sums();
        sums.iter().map(|sum| *sum as f64 / pixels).collect()
    }

    /// The covariance of the channels over all pixels of all images, `[C, C]`;
    /// the divisor is the number of pixels.
    pub fn covariance(&self) -> Vec<f64> {
        let pixels = u128::from(self.images) * self.area() as u128;
        let sums = self.channel_sums();
        let pairs = sums.iter().flat_map(|a| sums.iter().map(move |b| (a, b)));
        pairs
            .zip(&self.products)
            .map(|((a, b), product)| {
                // In integers, since the two terms nearly cancel.
                let scaled = pixels as i128 * i128::from(*product) - (a * b) as i128;
                scaled as f64 / (pixels as f64 * pixels as f64)
            })
            .collect()
    }

    /// The mean square of all values of all images.
    pub fn mean_square(&self) -> f64 {
        let channels = self.shape[0];
        let squares: u64 = self.products.iter().step_by(channels + 1).sum();
        squares as f64 / (self.images as f64 * self.sums.len() as f64)
    }

    fn channel_sums(&self) -> Vec<u128> {
        let planes = self.sums.chunks_exact(self.area());
        planes
            .map(|plane| plane.iter().map(|sum| u128::from(*sum)).sum())
            .collect()
    }
}

/// The sum of products of two planes of bytes.
fn dot(a: &[u8], b: &[u8]) -> u64 {
    // 65,536 products of two bytes are the most that surely fit into 32 bits,
    // in which they are summed several times as fast.
    const BLOCK: usize = 1 << 16;
    let block = |(a, b): (&[u8], &[u8])| -> u64 {
        let products = a.iter().zip(b).map(|(a, b)| u32::from(*a) * u32::from(*b));
        u64::from(products.sum::<u32>())
    };
    a.chunks(BLOCK).zip(b.chunks(BLOCK)).map(block).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::InMemory;

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
        let data = InMemory::noise([3, 5, 7], 3 * CHUNK + 17);
        let moments = Moments::of_training(&data)?;
        let images = data.train();
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
