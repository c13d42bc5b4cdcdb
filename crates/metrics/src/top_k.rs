//! Whether the label is among the most likely classes.

use ablate_core::{Metric, MetricConfig, Result, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fraction of images whose label is not the most likely class
/// (paper, section 2).
///
/// A tie counts against the prediction: the label must be more likely than any
/// other class, so a network that says nothing is not credited with luck. A
/// prediction that is not a number is wrong, and so is a label that is no class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Top1Error {}

/// The fraction of images whose label is not among the five most likely classes
/// (paper, section 2); ties and numbers that are none count as in [`Top1Error`].
///
/// With five classes or fewer it is 0 unless a prediction is not a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Top5Error {}

impl MetricConfig for Top1Error {
    fn build(&self) -> Result<Box<dyn Metric>> {
        Ok(Box::new(TopK { k: 1 }))
    }
}

impl MetricConfig for Top5Error {
    fn build(&self) -> Result<Box<dyn Metric>> {
        Ok(Box::new(TopK { k: 5 }))
    }
}

register!(
    metric,
    "top1_error",
    Top1Error,
    "the fraction of images whose label is not the most likely class"
);
register!(
    metric,
    "top5_error",
    Top5Error,
    "the fraction of images whose label is not among the five most likely classes"
);

/// Right where fewer than `k` other classes are at least as likely as the label.
struct TopK {
    k: usize,
}

impl Metric for TopK {
    fn score(&self, log_probabilities: &[f32], target: u32) -> f64 {
        let target = target as usize;
        let Some(label) = log_probabilities.get(target) else {
            return 1.0;
        };
        if log_probabilities.iter().any(|value| value.is_nan()) {
            return 1.0;
        }
        let rivals = log_probabilities
            .iter()
            .enumerate()
            .filter(|(class, value)| *class != target && *value >= label)
            .count();
        f64::from(u8::from(rivals >= self.k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top1(row: &[f32], target: u32) -> f64 {
        TopK { k: 1 }.score(row, target)
    }

    fn top5(row: &[f32], target: u32) -> f64 {
        TopK { k: 5 }.score(row, target)
    }

    #[test]
    fn ranks_by_hand() {
        let row = [-3.0, -1.0, -2.0, -7.0, -6.0, -5.0, -4.0];
        assert_eq!(
            (0..7).map(|t| top1(&row, t)).collect::<Vec<_>>(),
            [1., 0., 1., 1., 1., 1., 1.]
        );
        assert_eq!(
            (0..7).map(|t| top5(&row, t)).collect::<Vec<_>>(),
            [0., 0., 0., 1., 1., 0., 0.]
        );
    }

    #[test]
    fn without_ties_the_score_is_that_of_a_sort() {
        let mut state = 1u64;
        for _ in 0..200 {
            let row: Vec<f32> = (0..10)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    -((state >> 40) as f32)
                })
                .collect();
            let mut order: Vec<u32> = (0..10).collect();
            order.sort_by(|a, b| row[*b as usize].total_cmp(&row[*a as usize]));
            for (rank, class) in order.iter().enumerate() {
                assert_eq!(top1(&row, *class), f64::from(u8::from(rank >= 1)));
                assert_eq!(top5(&row, *class), f64::from(u8::from(rank >= 5)));
            }
        }
    }

    #[test]
    fn a_tie_counts_against_the_prediction() {
        assert_eq!(top1(&[-1.0, -1.0, -2.0], 0), 1.0);
        assert_eq!(top1(&[-1.0, -1.0, -2.0], 1), 1.0);
        assert_eq!(top5(&[-2.0; 6], 0), 1.0);
        assert_eq!(top5(&[-2.0; 5], 0), 0.0);
    }

    #[test]
    fn few_classes_are_always_among_five() {
        for classes in 1..=5 {
            let row: Vec<f32> = (0..classes).map(|class| -(class as f32)).collect();
            assert!((0..classes).all(|target| top5(&row, target) == 0.0));
        }
        assert_eq!(top1(&[0.0], 0), 0.0);
    }

    #[test]
    fn what_is_not_a_number_or_no_class_is_wrong() {
        assert_eq!(top1(&[f32::NAN], 0), 1.0);
        assert_eq!(top1(&[0.0, f32::NAN], 0), 1.0);
        assert_eq!(top5(&[0.0, f32::NAN], 0), 1.0);
        assert_eq!(top5(&[0.0, -1.0], 2), 1.0);
        assert_eq!(top1(&[], 0), 1.0);
        assert_eq!(top1(&[0.0, f32::NEG_INFINITY], 0), 0.0);
    }
}
