//! Whether a kernel keeps to the thread that calls it, and how its values are cut up
//! among several.

use rayon::current_num_threads;

/// Who computes. The choice changes no bit of what a kernel gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The calling thread alone, so that a caller can take a block of images through
    /// several layers while it is in that core's cache.
    Never,
    /// All threads of rayon's current pool.
    Threads,
}

impl Split {
    /// The least items of a job, for rayon's `with_min_len`.
    pub fn min_len(self) -> usize {
        match self {
            Self::Never => usize::MAX,
            Self::Threads => 1,
        }
    }

    /// How wide the strips of rows of `len` elements are, so that `groups` of such rows
    /// give everyone some: a multiple of `unit`.
    pub(crate) fn strip_width(self, groups: usize, len: usize, unit: usize) -> usize {
        let parts = match self {
            Self::Never => 1,
            Self::Threads => current_num_threads().div_ceil(groups.max(1)),
        };
        len.div_ceil(parts).max(1).next_multiple_of(unit)
    }
}

/// Cuts rows of `len` elements into strips of `width` columns (the last may have fewer):
/// by strip, its piece of each row.
pub(crate) fn strips<T>(rows: &mut [T], len: usize, width: usize) -> Vec<Vec<&mut [T]>> {
    let mut strips: Vec<_> = (0..len.div_ceil(width))
        .map(|_| Vec::with_capacity(rows.len() / len))
        .collect();
    for row in rows.chunks_mut(len.max(1)) {
        for (strip, piece) in strips.iter_mut().zip(row.chunks_mut(width)) {
            strip.push(piece);
        }
    }
    strips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_hold_every_element_once() {
        for (rows, len, width) in [(1, 1, 1), (3, 7, 2), (2, 6, 3), (4, 5, 16), (0, 3, 2)] {
            let mut values: Vec<_> = (0..rows * len).collect();
            let strips = strips(&mut values, len, width);
            assert_eq!(strips.len(), len.div_ceil(width));
            for (s, strip) in strips.iter().enumerate() {
                assert_eq!(strip.len(), rows);
                for (row, piece) in strip.iter().enumerate() {
                    let start = row * len + s * width;
                    let wanted = start..(start + width).min(row * len + len);
                    assert!(piece.iter().copied().eq(wanted), "{piece:?}");
                }
            }
        }
    }

    #[test]
    fn there_are_strips_for_every_thread_and_no_more() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(6).build();
        pool.expect("a thread pool").install(|| {
            assert_eq!(Split::Never.strip_width(1, 96, 16), 96);
            assert_eq!(Split::Threads.strip_width(1, 96, 16), 16);
            assert_eq!(Split::Threads.strip_width(2, 96, 16), 32);
            assert_eq!(Split::Threads.strip_width(6, 96, 16), 96);
            assert_eq!(Split::Threads.strip_width(1, 90, 16), 16);
            assert_eq!(Split::Threads.strip_width(0, 0, 16), 16);
        });
    }
}
