//! Nearest neighbours by Euclidean distance.

/// For each of `count` rows of the same length the `k` nearest others, nearest
/// first; equal ones in order.
pub(super) fn neighbours<T: Value>(values: &[T], count: usize, k: usize) -> Vec<Vec<usize>> {
    let width = values.len() / count.max(1);
    let row = |index: usize| &values[index * width..(index + 1) * width];
    let mut distances = vec![0.0; count * count];
    for a in 0..count {
        for b in a + 1..count {
            let distance = T::squared_distance(row(a), row(b));
            distances[a * count + b] = distance;
            distances[b * count + a] = distance;
        }
    }
    let nearest = |query: usize| {
        let mut others: Vec<usize> = (0..count).filter(|other| *other != query).collect();
        let distance = |other: &usize| distances[query * count + other];
        others.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
        others.truncate(k);
        others
    };
    (0..count).map(nearest).collect()
}

/// Something with a distance.
pub(super) trait Value: Sized {
    /// The sum of squared differences of two rows of the same length.
    fn squared_distance(a: &[Self], b: &[Self]) -> f64;
}

impl Value for f32 {
    fn squared_distance(a: &[Self], b: &[Self]) -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }
}

impl Value for u8 {
    fn squared_distance(a: &[Self], b: &[Self]) -> f64 {
        // A row of a picture's size overflows 32 bits; parts of it do not.
        const PART: usize = 1 << 14;
        let parts = a.chunks(PART).zip(b.chunks(PART));
        let part = |(a, b): (&[u8], &[u8])| {
            let squares = a.iter().zip(b).map(|(a, b)| {
                let difference = u32::from(a.abs_diff(*b));
                difference * difference
            });
            f64::from(squares.sum::<u32>())
        };
        parts.map(part).sum()
    }
}

/// The share of the neighbours found that are of their query's class, by the
/// queries' `labels`; `None` where none was found.
pub(super) fn share_of_class(found: &[Vec<usize>], labels: &[usize]) -> Option<f64> {
    let pairs = found.iter().zip(labels);
    let same = pairs.map(|(found, label)| found.iter().filter(|f| labels[**f] == *label).count());
    let (same, all): (usize, usize) = (same.sum(), found.iter().map(Vec::len).sum());
    (all > 0).then(|| same as f64 / all as f64)
}

/// That share for neighbours drawn at random from the others.
pub(super) fn chance(labels: &[usize]) -> Option<f64> {
    let everyone: Vec<usize> = (0..labels.len()).collect();
    let others = |query: usize| everyone.iter().copied().filter(|o| *o != query).collect();
    let found: Vec<Vec<usize>> = (0..labels.len()).map(others).collect();
    share_of_class(&found, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four points: a pair of one class near the origin, one of the other class
    /// between, one far off.
    ///
    /// ```text
    /// 0: (0, 0) class 0    1: (1, 0) class 0    2: (3, 0) class 1    3: (9, 9) class 1
    /// ```
    #[test]
    fn a_share_by_hand() {
        let points = [0.0_f32, 0.0, 1.0, 0.0, 3.0, 0.0, 9.0, 9.0];
        let labels = [0, 0, 1, 1];
        let found = neighbours(&points, 4, 1);
        assert_eq!(found, [[1], [0], [1], [2]]);
        // Right for 0, 1 and 3; the nearest to 2 is of the other class.
        assert_eq!(share_of_class(&found, &labels), Some(0.75));
        let found = neighbours(&points, 4, 2);
        assert_eq!(found, [[1, 2], [0, 2], [1, 0], [2, 1]]);
        assert_eq!(share_of_class(&found, &labels), Some(3.0 / 8.0));
        // One of the three others is of the same class.
        assert_eq!(chance(&labels), Some(1.0 / 3.0));
    }

    #[test]
    fn bytes_and_floats_agree() {
        let bytes: Vec<u8> = (0..60_000_u32).map(|i| (i * i % 251) as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
        assert_eq!(
            u8::squared_distance(&bytes[..30_000], &bytes[30_000..]),
            f32::squared_distance(&floats[..30_000], &floats[30_000..])
        );
        let (black, white) = (vec![0_u8; 200_000], vec![255_u8; 200_000]);
        let distance = u8::squared_distance(&black, &white);
        assert_eq!(distance, 200_000.0 * 255.0 * 255.0);
    }

    #[test]
    fn equal_points_and_too_few_are_no_trouble() {
        assert_eq!(neighbours(&[1.0_f32; 3], 3, 2), [[1, 2], [0, 2], [0, 1]]);
        assert_eq!(neighbours(&[1.0_f32], 1, 6), [[0_usize; 0]]);
        assert!(neighbours::<f32>(&[], 0, 6).is_empty());
        assert_eq!(share_of_class(&[Vec::new()], &[0]), None);
        assert_eq!(chance(&[]), None);
        // A width of zero puts all in one place.
        assert_eq!(neighbours::<f32>(&[], 2, 1), [[1], [0]]);
        assert_eq!(neighbours(&[f32::NAN, 0.0, 1.0], 3, 1)[1], [2]);
    }
}
