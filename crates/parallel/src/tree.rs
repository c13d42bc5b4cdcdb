//! The order in which numbers are added up, so that it does not depend on who adds.

use std::ops::Range;

use rayon::prelude::*;

/// Values a thread adds up at a time: a buffer for each level of the tree stays in
/// its cache.
const BLOCK: usize = 16 << 10;

/// The two ranges whose sums make the sum over `range`; `None` where it has fewer
/// than two.
///
/// Adding up by halves (pairwise summation) makes the sum over 8 parts the same bits
/// whether one rank adds them all, two add four each, or eight one each: rounding depends
/// on the order of additions, and this fixes it.
pub fn halves(range: Range<usize>) -> Option<[Range<usize>; 2]> {
    if range.len() < 2 {
        return None;
    }
    let middle = range.start + range.len() / 2;
    Some([range.start..middle, middle..range.end])
}

/// Writes the sum of the slices `of`, all as long as `sum`, by halves.
pub(crate) fn add_up(of: &[&[f32]], sum: &mut [f32]) {
    let blocks = sum.par_chunks_mut(BLOCK).enumerate();
    blocks.for_each(|(block, sum)| {
        let place = block * BLOCK..block * BLOCK + sum.len();
        let of: Vec<&[f32]> = of.iter().map(|slice| &slice[place.clone()]).collect();
        add_up_block(&of, sum);
    });
}

fn add_up_block(of: &[&[f32]], sum: &mut [f32]) {
    match halves(0..of.len()) {
        None => {
            if let [only] = of {
                sum.copy_from_slice(only);
            }
        }
        Some([first, second]) => {
            add_up_block(&of[first], sum);
            let mut rest = vec![0.0; sum.len()];
            add_up_block(&of[second], &mut rest);
            for (sum, rest) in sum.iter_mut().zip(rest) {
                *sum += rest;
            }
        }
    }
}

/// Of `len` things in `size` equal shares, as nearly as can be, those of `rank`.
pub fn share(len: usize, size: usize, rank: usize) -> Range<usize> {
    rank * len / size..(rank + 1) * len / size
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose sum depends on the order of additions.
    fn slices(count: usize, len: usize) -> Vec<Vec<f32>> {
        let value = |slice: usize, i: usize| ((slice * 7919 + i * 104_729) % 1009) as f32 / 7.0;
        let slice = |slice| (0..len).map(|i| value(slice, i)).collect();
        (0..count).map(slice).collect()
    }

    fn sum(of: &[Vec<f32>]) -> Vec<f32> {
        let of: Vec<&[f32]> = of.iter().map(Vec::as_slice).collect();
        let mut sum = vec![f32::NAN; of[0].len()];
        add_up(&of, &mut sum);
        sum
    }

    #[test]
    fn whoever_adds_gets_the_same_bits() {
        for (parts, ranks) in [(8, 2), (8, 4), (8, 8), (6, 2), (12, 4), (3, 3), (5, 5)] {
            let all = slices(parts, 2 * BLOCK + 3);
            let each: Vec<_> = all.chunks(parts / ranks).map(sum).collect();
            assert_eq!(sum(&each), sum(&all), "{ranks} ranks with {parts} parts");
        }
    }

    #[test]
    fn another_order_gives_other_bits() {
        let all = slices(8, 1000);
        let in_turn: Vec<f32> = (0..1000).map(|i| all.iter().map(|s| s[i]).sum()).collect();
        assert_ne!(sum(&all), in_turn);
    }

    #[test]
    fn shares_cover_all_values_once() {
        for (len, size) in [(0, 3), (1, 3), (10, 3), (1000, 7), (8, 8)] {
            let shares: Vec<_> = (0..size).map(|rank| share(len, size, rank)).collect();
            let ends: Vec<_> = shares.iter().map(|share| share.end).collect();
            let starts: Vec<_> = shares.iter().map(|share| share.start).collect();
            assert_eq!((starts[0], ends[size - 1]), (0, len));
            assert_eq!(starts[1..], ends[..size - 1]);
        }
    }
}
