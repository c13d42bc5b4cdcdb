//! How towers' values `[N, own]` lie side by side in values `[N, whole]`, and
//! their way from one form to the other.

use std::ops::Range;

/// The columns of each tower.
#[derive(Debug)]
pub(super) struct Columns {
    /// Where each tower's columns start, and the end of the last one's.
    bounds: Vec<usize>,
}

impl Columns {
    /// Columns of the given widths, tower after tower.
    pub fn of(widths: impl Iterator<Item = usize>) -> Self {
        let mut bounds = vec![0];
        for width in widths {
            bounds.push(bounds[bounds.len() - 1] + width);
        }
        Self { bounds }
    }

    /// Columns of all towers.
    pub fn whole(&self) -> usize {
        self.bounds[self.bounds.len() - 1]
    }

    /// The columns of one tower.
    pub fn own(&self, tower: usize) -> Range<usize> {
        self.bounds[tower]..self.bounds[tower + 1]
    }

    /// Columns that `tower` does not have itself.
    pub fn foreign(&self, tower: usize) -> usize {
        self.whole() - self.own(tower).len()
    }

    /// Overwrites `whole` with the parts of all towers.
    pub fn gather<'a>(&self, parts: impl Iterator<Item = &'a [f32]>, whole: &mut [f32]) {
        for (tower, part) in parts.enumerate() {
            let own = self.own(tower);
            let rows = whole.chunks_exact_mut(self.whole());
            for (row, part) in rows.zip(part.chunks_exact(own.len())) {
                row[own.clone()].copy_from_slice(part);
            }
        }
    }

    /// Overwrites `part` with the columns of one tower.
    pub fn pick(&self, tower: usize, whole: &[f32], part: &mut [f32]) {
        let own = self.own(tower);
        let rows = whole.chunks_exact(self.whole());
        for (row, part) in rows.zip(part.chunks_exact_mut(own.len())) {
            part.copy_from_slice(&row[own.clone()]);
        }
    }

    /// Overwrites `part` with the sum, in their order, of one tower's columns of
    /// the `terms`.
    pub fn sum<'a>(
        &self,
        tower: usize,
        mut terms: impl Iterator<Item = &'a [f32]>,
        part: &mut [f32],
    ) {
        if let Some(first) = terms.next() {
            self.pick(tower, first, part);
        }
        let own = self.own(tower);
        for whole in terms {
            let rows = whole.chunks_exact(self.whole());
            for (row, part) in rows.zip(part.chunks_exact_mut(own.len())) {
                for (sum, term) in part.iter_mut().zip(&row[own.clone()]) {
                    *sum += term;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_any_width_come_together_and_apart() {
        let columns = Columns::of([1, 2].into_iter());
        let parts = [[1.0, 4.0].as_slice(), &[2.0, 3.0, 5.0, 6.0]];
        let mut whole = [0.0; 6];
        columns.gather(parts.into_iter(), &mut whole);
        assert_eq!(whole, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let mut picked = [0.0; 4];
        columns.pick(1, &whole, &mut picked);
        assert_eq!(picked, parts[1]);
        columns.sum(1, [whole.as_slice(), &whole].into_iter(), &mut picked);
        assert_eq!(picked, [4.0, 6.0, 10.0, 12.0]);
        assert_eq!([columns.foreign(0), columns.foreign(1)], [2, 1]);
    }
}
