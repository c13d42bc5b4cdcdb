//! The first convolution's filters, and how colourful they are (paper, Fig. 3).

/// The weights of a first convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Filters, channels, height and width `[O, C, kH, kW]`.
    pub shape: [usize; 4],
    /// `O * C * kH * kW` weights, row-major.
    pub weights: Vec<f32>,
    /// How many towers the filters lie in, tower after tower: 1 or 2.
    pub towers: usize,
}

impl Filters {
    /// The chroma of each filter: the share of its energy (the sum of its squared
    /// weights) that lies off the grey axis.
    ///
    /// At each place of the filter the weights of red, green and blue are a vector;
    /// its part along `R = G = B` is grey, the rest is colour:
    ///
    /// ```text
    /// m = (R + G + B) / 3
    /// chroma = sum of (R - m)² + (G - m)² + (B - m)²  /  sum of R² + G² + B²
    /// ```
    ///
    /// A grey edge has 0, a red blob 2/3, red against green (1, -1, 0) has 1, pure
    /// noise about 2/3, a filter of zeros 0. The filter's mean stays in: a
    /// colour blob is little else.
    ///
    /// `None` unless there are three channels.
    pub fn chroma(&self) -> Option<Vec<f64>> {
        let [_, channels, height, width] = self.shape;
        let area = height * width;
        if channels != 3 || area == 0 {
            return None;
        }
        Some(self.weights.chunks_exact(3 * area).map(chroma).collect())
    }

    /// How far the mean [`chroma`](Self::chroma) of the first half of the filters
    /// is from that of the second, between 0 and 1. In a net of two towers the
    /// halves are its towers; in any other they are arbitrary, which shows how
    /// large a gap comes by chance.
    ///
    /// `None` unless there are three channels and two filters.
    pub fn tower_chroma_gap(&self) -> Option<f64> {
        let chroma = self.chroma()?;
        let (first, second) = chroma.split_at(chroma.len() / 2);
        let mean = |half: &[f64]| half.iter().sum::<f64>() / half.len() as f64;
        (!first.is_empty()).then(|| (mean(first) - mean(second)).abs())
    }
}

/// The chroma of one filter `[3, kH, kW]`.
fn chroma(filter: &[f32]) -> f64 {
    let area = filter.len() / 3;
    let (mut colour, mut energy) = (0.0, 0.0);
    for place in 0..area {
        let rgb = [0, 1, 2].map(|channel| f64::from(filter[channel * area + place]));
        let grey = rgb.iter().sum::<f64>() / 3.0;
        colour += rgb.iter().map(|w| (w - grey).powi(2)).sum::<f64>();
        energy += rgb.iter().map(|w| w * w).sum::<f64>();
    }
    match energy > 0.0 {
        true => colour / energy,
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(channels: usize, width: usize, filters: &[&[f32]]) -> Filters {
        Filters {
            shape: [filters.len(), channels, 1, width],
            weights: filters.concat(),
            towers: 2,
        }
    }

    /// The example of `docs/verdicts.md`.
    #[test]
    fn the_worked_example_is_true() {
        let example = filters(
            3,
            2,
            &[
                &[1.0, -1.0, 1.0, -1.0, 1.0, -1.0],
                &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
                &[1.0, 1.0, -1.0, -1.0, 0.0, 0.0],
                &[2.0, 2.0, 1.0, 1.0, 0.0, 0.0],
            ],
        );
        let chroma = example.chroma().expect("three channels");
        for (ours, by_hand) in chroma.iter().zip([0.0, 2.0 / 3.0, 1.0, 0.4]) {
            assert!((ours - by_hand).abs() < 1e-12, "{chroma:?}");
        }
        let gap = example.tower_chroma_gap().expect("two halves");
        assert!((gap - (0.7 - 1.0 / 3.0)).abs() < 1e-12, "{gap}");
    }

    #[test]
    fn filters_without_colour_or_halves_have_no_gap() {
        assert_eq!(filters(1, 2, &[&[1.0, 2.0]]).chroma(), None);
        assert_eq!(filters(3, 1, &[&[0.0; 3]]).chroma(), Some(vec![0.0]));
        assert_eq!(filters(3, 1, &[&[1.0; 3]]).tower_chroma_gap(), None);
    }
}
