//! Nearest neighbours by Euclidean distance.

/// For each query the places of the `k` nearest rows of the gallery, nearest
/// first; equal ones in order. All rows have `width` values.
pub(super) fn neighbours<T: Value>(
    queries: &[T],
    gallery: &[T],
    width: usize,
    k: usize,
) -> Vec<Vec<usize>> {
    let nearest = |query: &[T]| {
        let rows = gallery.chunks_exact(width);
        let mut rows: Vec<(f64, usize)> = rows
            .map(|row| T::squared_distance(query, row))
            .zip(0..)
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        rows.truncate(k);
        rows.into_iter().map(|(_, place)| place).collect()
    };
    queries.chunks_exact(width).map(nearest).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn equal_rows_too_few_and_numbers_that_are_none_are_no_trouble() {
        assert_eq!(neighbours(&[1.0_f32], &[1.0; 3], 1, 2), [[0, 1]]);
        assert_eq!(neighbours(&[1.0_f32], &[3.0], 1, 6), [[0]]);
        assert!(neighbours::<f32>(&[], &[1.0], 1, 6).is_empty());
        assert_eq!(neighbours(&[1.0_f32], &[], 1, 6), [[0_usize; 0]]);
        assert_eq!(
            neighbours(&[0.2_f32], &[f32::NAN, 1.0, 0.0], 1, 3),
            [[2, 1, 0]]
        );
    }
}
