//! Sums over images from which means and covariances follow.
//!
//! Pixels are bytes, so the sums are kept as integers: exact, and therefore the
//! same whatever the order in which images are added, and in however many parts.

mod training;

/// First and second moments of the pixels of images of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Channels, height and width `[C, H, W]` of an image as stored.
    pub shape: [usize; 3],
    /// How many images were added.
    pub images: u64,
    /// For each place of an image `[C, H, W]`, the sum over the images.
    pub sums: Vec<u64>,
    /// For each pair of channels `[C, C]`, the sum over images and pixels of the
    /// product of the two.
    pub products: Vec<u64>,
}

impl Moments {
    /// The moments of no image.
    pub fn empty(shape: [usize; 3]) -> Self {
        Self {
            shape,
            images: 0,
            sums: vec![0; shape.iter().product()],
            products: vec![0; shape[0] * shape[0]],
        }
    }

    /// Adds an image of `C * H * W` bytes, planes in channel order.
    pub fn add(&mut self, pixels: &[u8]) {
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

    /// The moments of the images of both.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
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
