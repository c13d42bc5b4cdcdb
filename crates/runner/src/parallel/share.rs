//! Which images of a batch a rank works on, and in which parts.

use std::ops::Range;

use ablate_parallel::{Group, share};

/// A rank's parts of every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    parts: usize,
    ranks: usize,
    rank: usize,
}

impl Share {
    /// Of a batch in `parts` parts, what falls to this rank of `group`.
    pub fn new(parts: usize, group: &dyn Group) -> Self {
        Self {
            parts,
            ranks: group.size(),
            rank: group.rank(),
        }
    }

    /// Which of a batch of `images` are in each of the rank's parts; a small batch
    /// leaves parts empty.
    pub fn parts(self, images: usize) -> Vec<Range<usize>> {
        let each = self.parts / self.ranks;
        (self.rank * each..(self.rank + 1) * each)
            .map(|part| share(images, self.parts, part))
            .collect()
    }

    /// Which of a batch of `images` the rank loads.
    pub fn images(self, images: usize) -> Range<usize> {
        let parts = self.parts(images);
        match (parts.first(), parts.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }
}

/// What is wrong with having `ranks` ranks share batches in `parts` parts, and the
/// fix; `None` where nothing is. There is one rank at least.
///
/// Parts are added up by halves, so that it does not matter who adds them; that
/// takes ranks whose parts are a half, or a half of one, and so on.
pub(crate) fn misfit(parts: usize, ranks: usize) -> Option<String> {
    let fits =
        |ranks: usize| parts.is_multiple_of(ranks) && (ranks.is_power_of_two() || ranks == parts);
    if fits(ranks) {
        return None;
    }
    let fitting: Vec<String> = (1..=parts)
        .filter(|ranks| fits(*ranks))
        .map(|ranks| ranks.to_string())
        .collect();
    // As many parts as ranks always do; more of them, only where ranks are halves of halves.
    let or_more = match ranks.is_power_of_two() {
        true => " or a multiple of that",
        false => "",
    };
    Some(format!(
        "give {} ranks, or set training.parts to {ranks}{or_more}",
        fitting.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_every_image_once_whatever_the_batch() {
        for (parts, ranks) in [(1, 1), (4, 1), (4, 2), (4, 4), (6, 2), (5, 5)] {
            for images in [0, 1, 3, 4, 127, 128] {
                let share = |rank| Share { parts, ranks, rank };
                let all: Vec<_> = (0..ranks)
                    .flat_map(|rank| share(rank).parts(images))
                    .collect();
                assert_eq!(
                    all,
                    Share {
                        parts,
                        ranks: 1,
                        rank: 0
                    }
                    .parts(images)
                );
                assert_eq!((all[0].start, all[parts - 1].end), (0, images));
                assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
    }

    #[test]
    fn ranks_that_would_add_up_in_another_order_are_refused() {
        for (parts, ranks) in [(1, 1), (2, 2), (8, 4), (6, 2), (3, 3), (6, 6), (12, 4)] {
            assert_eq!(misfit(parts, ranks), None, "{ranks} of {parts}");
        }
        for (parts, ranks) in [(1, 2), (6, 3), (6, 4), (8, 3)] {
            let fix = misfit(parts, ranks).expect("refused");
            assert!(fix.contains(&format!("training.parts to {ranks}")), "{fix}");
            assert_eq!(misfit(ranks, ranks), None, "the advice can be followed");
            let or_more = fix.contains("multiple");
            assert_eq!(or_more, misfit(5 * ranks, ranks).is_none(), "{fix}");
        }
        let fix = misfit(6, 3).expect("refused");
        assert!(fix.contains("1 or 2 or 6 ranks"), "{fix}");
    }
}
