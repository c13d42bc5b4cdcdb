//! Which candidates did best.

use std::cmp::Ordering;

use ablate_store::{Candidate, Score};
use serde_json::Value;

/// The candidates that have a mean, the best first: those that got further, then
/// the least mean, then the smaller values, then the order they were listed in.
pub(super) fn ranked(candidates: &[Candidate]) -> Vec<usize> {
    let scored = candidates.iter().enumerate();
    let mut scored: Vec<(usize, f64)> = scored
        .filter_map(|(index, candidate)| match candidate.score {
            Score::Mean(mean) => Some((index, mean)),
            Score::NotReached | Score::Diverged | Score::Failed => None,
        })
        .collect();
    scored.sort_by(|(a, a_mean), (b, b_mean)| {
        let (left, right) = (&candidates[*a], &candidates[*b]);
        right
            .epochs
            .cmp(&left.epochs)
            .then(a_mean.total_cmp(b_mean))
            .then_with(|| order(&left.values, &right.values))
    });
    scored.into_iter().map(|(index, _)| index).collect()
}

/// By the first value that differs and is a number.
fn order(a: &[Value], b: &[Value]) -> Ordering {
    let pairs = a.iter().zip(b);
    let mut orders = pairs.filter_map(|(a, b)| a.as_f64()?.partial_cmp(&b.as_f64()?));
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(value: f64, score: Score) -> Candidate {
        Candidate {
            values: vec![value.into()],
            epochs: 2,
            score,
        }
    }

    #[test]
    fn the_least_mean_wins_and_ties_go_to_the_smaller_value() {
        let grid = [
            candidate(0.1, Score::Mean(0.5)),
            candidate(0.01, Score::Mean(0.5)),
            candidate(0.001, Score::Mean(0.9)),
        ];
        assert_eq!(ranked(&grid), [1, 0, 2]);
    }

    #[test]
    fn candidates_that_diverged_or_missed_the_target_lose() {
        let grid = [
            candidate(0.001, Score::NotReached),
            candidate(0.01, Score::Mean(7.0)),
            candidate(0.1, Score::Diverged),
        ];
        assert_eq!(ranked(&grid), [1]);
        assert!(ranked(&grid[2..]).is_empty());
    }

    #[test]
    fn a_candidate_that_was_dropped_does_not_beat_one_that_went_on() {
        let mut grid = [
            candidate(0.1, Score::Mean(0.5)),
            candidate(0.01, Score::Mean(0.7)),
        ];
        grid[1].epochs = 6;
        assert_eq!(ranked(&grid), [1, 0]);
    }
}
