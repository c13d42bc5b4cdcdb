//! Which training images lie nearest to a validation image (paper, section 6.1
//! and Fig. 4, right).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Samples;
use super::near::neighbours;

/// Images found for each query, as in the paper's figure.
pub(super) const FOUND: usize = 6;

/// Training images to be searched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    /// Places in the training split `[G]`.
    pub index: Vec<u32>,
    /// Labels `[G]`.
    pub targets: Vec<u32>,
    /// Images `[G, C, H, W]`, as those of [`Samples`].
    pub pixels: Vec<u8>,
    /// Values of the last hidden layer `[G, F]`, row-major.
    pub features: Vec<f32>,
}

/// The images of a gallery that are nearest to each of some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrieval {
    /// For each sample the found images nearest to it, nearest first, as places in
    /// the other fields `[K, found]`.
    pub nearest: Vec<u32>,
    /// Places of the found images in the training split `[M]`.
    pub index: Vec<u32>,
    /// Labels `[M]`.
    pub targets: Vec<u32>,
    /// Images `[M, C, H, W]`, as those of [`Samples`].
    pub pixels: Vec<u8>,
    /// How many are of the right class.
    pub shares: Shares,
}

/// The share of the images found that are of their query's class, over all
/// queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Images found for each query.
    pub found: usize,
    /// Queries: validation images.
    pub queries: usize,
    /// Training images searched.
    pub gallery: usize,
    /// Of those nearest in the last hidden layer.
    pub features: f64,
    /// Of those nearest by their pixels.
    pub pixels: f64,
    /// Of those drawn at random.
    pub chance: f64,
}

impl Retrieval {
    /// Searches the gallery for each sample, whose labels are `targets`; `None`
    /// without a query, an image to find, or features.
    pub fn search(samples: &Samples, targets: &[u32], gallery: &Gallery) -> Option<Self> {
        let features = samples.features.as_deref()?;
        let queries = targets.len();
        let (width, image) = (
            features.len().checked_div(queries)?,
            samples.shape.iter().product(),
        );
        let fits = |values: usize, width: usize| width > 0 && values == gallery.index.len() * width;
        if !fits(gallery.features.len(), width) || !fits(gallery.pixels.len(), image) {
            return None;
        }
        let found = neighbours(features, &gallery.features, width, FOUND);
        let by_pixels = neighbours(&samples.pixels, &gallery.pixels, image, FOUND);
        let everyone: Vec<usize> = (0..gallery.index.len()).collect();
        let at_random = vec![everyone; queries];
        let share = |found: &[Vec<usize>]| share_of_class(found, targets, &gallery.targets);
        let shares = Shares {
            found: FOUND.min(gallery.index.len()),
            queries,
            gallery: gallery.index.len(),
            features: share(&found)?,
            pixels: share(&by_pixels)?,
            chance: share(&at_random)?,
        };
        Some(Self::keep(&found, gallery, image, shares))
    }

    /// Of a gallery only what was found is kept, each image once.
    fn keep(found: &[Vec<usize>], gallery: &Gallery, image: usize, shares: Shares) -> Self {
        let places: BTreeMap<usize, u32> = BTreeMap::from_iter({
            let places = std::collections::BTreeSet::from_iter(found.iter().flatten().copied());
            places.into_iter().zip(0..)
        });
        let of = |values: &[u32]| places.keys().map(|place| values[*place]).collect();
        Self {
            nearest: found.iter().flatten().map(|place| places[place]).collect(),
            index: of(&gallery.index),
            targets: of(&gallery.targets),
            pixels: places
                .keys()
                .flat_map(|place| &gallery.pixels[place * image..(place + 1) * image])
                .copied()
                .collect(),
            shares,
        }
    }

    /// The found images nearest to a sample, as places in the lists of found
    /// images, nearest first.
    pub fn of(&self, sample: usize) -> &[u32] {
        let found = self.shares.found;
        &self.nearest[sample * found..(sample + 1) * found]
    }
}

/// The share of the images found that are of their query's class; `None` where
/// none was found.
fn share_of_class(found: &[Vec<usize>], targets: &[u32], gallery: &[u32]) -> Option<f64> {
    let pairs = found.iter().zip(targets);
    let same =
        pairs.map(|(found, target)| found.iter().filter(|f| gallery[**f] == *target).count());
    let (same, all): (usize, usize) = (same.sum(), found.iter().map(Vec::len).sum());
    (all > 0).then(|| same as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two queries, one of each class, among eight images of one pixel, whose
    /// feature is drawn so that it finds what the pixel does not.
    ///
    /// ```text
    /// place            0   1   2   3   4   5   6   7
    /// class            0   0   0   0   1   1   1   1
    /// feature          0   1   2   3  10  11  12  13
    /// pixel          200 201 202 203 200 201 202 203
    /// ```
    fn gallery() -> Gallery {
        Gallery {
            index: (0..8).map(|place| 100 + place).collect(),
            targets: vec![0, 0, 0, 0, 1, 1, 1, 1],
            pixels: [200, 201, 202, 203].repeat(2),
            features: vec![0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0],
        }
    }

    fn samples(features: Option<Vec<f32>>) -> Samples {
        Samples {
            shape: [1, 1, 1],
            pixels: vec![203, 200],
            index: vec![0, 1],
            features,
        }
    }

    #[test]
    fn shares_by_hand() {
        let samples = samples(Some(vec![0.9, 12.6]));
        let retrieval = Retrieval::search(&samples, &[0, 1], &gallery()).expect("found");
        // The four of its class, then the two nearest of the other.
        let found: Vec<&[u32]> = [0, 1].map(|query| retrieval.of(query)).to_vec();
        assert_eq!(found, [[1, 0, 2, 3, 4, 5], [7, 6, 5, 4, 3, 2]]);
        let shares = retrieval.shares;
        assert_eq!((shares.found, shares.queries, shares.gallery), (6, 2, 8));
        assert_eq!(shares.features, 8.0 / 12.0);
        // By pixels each distance comes once of either class.
        assert_eq!((shares.pixels, shares.chance), (0.5, 0.5));
        assert_eq!(retrieval.index, gallery().index);
        assert_eq!(retrieval.pixels, gallery().pixels);
    }

    #[test]
    fn only_what_was_found_is_kept() {
        let one = Samples {
            pixels: vec![203],
            index: vec![0],
            ..samples(Some(vec![13.0]))
        };
        let retrieval = Retrieval::search(&one, &[1], &gallery()).expect("found");
        assert_eq!(retrieval.index, [102, 103, 104, 105, 106, 107]);
        assert_eq!(retrieval.targets, [0, 0, 1, 1, 1, 1]);
        assert_eq!(retrieval.pixels, [202, 203, 200, 201, 202, 203]);
        assert_eq!(retrieval.of(0), [5, 4, 3, 2, 1, 0]);
        assert_eq!(retrieval.shares.features, 4.0 / 6.0);
    }

    #[test]
    fn without_features_queries_or_images_there_is_nothing_to_find() {
        let search = |samples: &Samples, targets: &[u32], gallery: &Gallery| {
            Retrieval::search(samples, targets, gallery).is_none()
        };
        let whole = samples(Some(vec![0.9, 12.6]));
        assert!(search(&samples(None), &[0, 1], &gallery()));
        assert!(search(&whole, &[0, 1], &Gallery::default()));
        assert!(search(&samples(Some(Vec::new())), &[], &gallery()));
    }
}
