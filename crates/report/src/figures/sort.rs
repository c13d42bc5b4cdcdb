//! Which samples a figure shows.

/// Up to `count` samples, given their classes: the first of each class, and where
/// these are too few the second of each, and so on; of too many classes some that
/// are evenly spread. What the model says of them plays no part.
pub(crate) fn chosen(labels: &[usize], count: usize) -> Vec<usize> {
    let mut seen = vec![0_usize; labels.iter().max().map_or(0, |last| last + 1)];
    let mut ranked: Vec<(usize, usize, usize)> = labels
        .iter()
        .enumerate()
        .map(|(sample, &label)| {
            seen[label] += 1;
            (seen[label], label, sample)
        })
        .collect();
    ranked.sort_unstable();
    let firsts = ranked.iter().filter(|entry| entry.0 == 1).count();
    let at = |place: usize| match firsts > count {
        true => place * firsts / count,
        false => place,
    };
    let entries = (0..count).filter_map(|place| ranked.get(at(place)));
    entries.map(|entry| entry.2).collect()
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn every_class_has_its_turn() {
        let labels = [2, 0, 0, 1, 2, 1];
        assert_eq!(chosen(&labels, 3), [1, 3, 0]);
        assert_eq!(chosen(&labels, 2), [1, 3]);
        assert_eq!(chosen(&labels, 4), [1, 3, 0, 2]);
        assert_eq!(chosen(&labels, 100), [1, 3, 0, 2, 5, 4]);
        let many: Vec<usize> = (0..10).collect();
        assert_eq!(chosen(&many, 4), [0, 2, 5, 7]);
        assert!(chosen(&[], 4).is_empty() && chosen(&labels, 0).is_empty());
    }
}
