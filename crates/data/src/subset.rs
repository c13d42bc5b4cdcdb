//! Which images of a set are used: held-out and reduced parts, balanced over
//! the classes, and always the same ones.

use ablate_core::{Error, Result};

/// The config keys that choose a part of a set; the same in every set.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reduction {
    /// Training images that replace the validation split.
    pub holdout: usize,
    /// At most this many training images.
    pub train_limit: Option<usize>,
    /// At most this many validation images.
    pub validation_limit: Option<usize>,
}

/// The images in use, as positions in the training images followed by the
/// validation images.
pub(crate) struct Parts {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
    /// How many of each there were before the limits.
    available: [usize; 2],
}

impl Parts {
    /// The numbers of images in words. `origin` says what the validation images are.
    pub fn describe(&self, origin: &str) -> String {
        let count = |used: usize, available: usize, what: &str| match used < available {
            true => format!("{used} of {available} {what} images (reduced, classes balanced)"),
            false => format!("{used} {what} images"),
        };
        format!(
            "{} and {}",
            count(self.train.len(), self.available[0], "training"),
            count(self.validation.len(), self.available[1], origin)
        )
    }
}

/// Chooses the images in use from their labels.
///
/// # Errors
/// More images are held out than there are, or a limit leaves none.
pub(crate) fn reduce(train: &[u32], validation: &[u32], keys: Reduction) -> Result<Parts> {
    if keys.holdout > 0 && keys.holdout >= train.len() {
        return Err(Error::bad_value(
            "holdout",
            format!(
                "{} images, but there are {} for training",
                keys.holdout,
                train.len()
            ),
            "hold out fewer",
        ));
    }
    let (kept, held) = match keys.holdout {
        0 => {
            let end = train.len() + validation.len();
            ((0..train.len()).collect(), (train.len()..end).collect())
        }
        count => hold_out(train, count),
    };
    let label = |position: usize| match train.get(position) {
        Some(&label) => label,
        None => validation[position - train.len()],
    };
    Ok(Parts {
        available: [kept.len(), held.len()],
        train: limit("train_limit", keys.train_limit, kept, label)?,
        validation: limit("validation_limit", keys.validation_limit, held, label)?,
    })
}

fn limit(
    key: &str,
    limit: Option<usize>,
    positions: Vec<usize>,
    label: impl Fn(usize) -> u32,
) -> Result<Vec<usize>> {
    let Some(count) = limit else {
        return Ok(positions);
    };
    if count == 0 {
        return Err(Error::bad_value(
            key,
            "no images are left",
            "give at least 1, or leave it out",
        ));
    }
    let labels: Vec<u32> = positions.iter().map(|&position| label(position)).collect();
    Ok(balanced(&labels, count)
        .into_iter()
        .map(|chosen| positions[chosen])
        .collect())
}

/// The positions of the first `count` images, taken class by class in turn, in
/// their own order. All of them where there are not as many.
fn balanced(labels: &[u32], count: usize) -> Vec<usize> {
    let ranks = ranks(labels);
    let mut positions: Vec<usize> = (0..labels.len()).collect();
    positions.sort_by_key(|&position| ranks[position]);
    positions.truncate(count);
    positions.sort_unstable();
    positions
}

/// Splits positions into those that stay and the last `count` ones, taken class
/// by class in turn.
fn hold_out(labels: &[u32], count: usize) -> (Vec<usize>, Vec<usize>) {
    let reversed: Vec<u32> = labels.iter().rev().copied().collect();
    let mut is_held = vec![false; labels.len()];
    for position in balanced(&reversed, count) {
        is_held[labels.len() - 1 - position] = true;
    }
    (0..labels.len()).partition(|&position| !is_held[position])
}

/// For each image, how many of its class come before it.
fn ranks(labels: &[u32]) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
    let mut seen = vec![0; classes];
    labels
        .iter()
        .map(|&label| {
            let rank = seen[label as usize];
            seen[label as usize] += 1;
            rank
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [u32; 8] = [0, 0, 0, 1, 0, 1, 2, 1];

    #[test]
    fn a_reduced_set_takes_classes_in_turn_and_keeps_the_order() {
        assert_eq!(balanced(&LABELS, 3), [0, 3, 6]);
        assert_eq!(balanced(&LABELS, 5), [0, 1, 3, 5, 6]);
        assert_eq!(balanced(&LABELS, 6), [0, 1, 2, 3, 5, 6]);
        assert_eq!(balanced(&LABELS, 99), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn what_is_held_out_comes_from_the_end_and_is_gone_from_the_rest() {
        let (kept, held) = hold_out(&LABELS, 3);
        assert_eq!(held, [4, 6, 7]);
        assert_eq!(kept, [0, 1, 2, 3, 5]);
    }

    #[test]
    fn limits_apply_after_the_holdout_and_are_described() -> Result<()> {
        let keys = Reduction {
            holdout: 3,
            train_limit: Some(2),
            validation_limit: Some(1),
        };
        let parts = reduce(&LABELS, &[0, 1], keys)?;
        assert_eq!(
            (&parts.train[..], &parts.validation[..]),
            (&[0, 3][..], &[4][..])
        );
        let words = parts.describe("held-out training");
        assert!(
            words.starts_with("2 of 5 training images (reduced"),
            "{words}"
        );
        assert!(words.contains("1 of 3 held-out training images"), "{words}");

        let whole = reduce(&LABELS, &[0, 1], Reduction::default())?;
        assert_eq!(whole.validation, [8, 9]);
        assert_eq!(
            whole.describe("test"),
            "8 training images and 2 test images"
        );
        Ok(())
    }
}
