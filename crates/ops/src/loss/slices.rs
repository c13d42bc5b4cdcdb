//! Softmax over plain slices of logits `[N, classes]`.

/// `y` = the logarithm of the softmax of each row of `x`, `classes` long.
///
/// The largest logit is subtracted first, so no finite input overflows. A row
/// that holds NaN or plus infinity yields NaN, as in PyTorch.
///
/// # Panics
/// When the slices differ in length or do not hold whole rows.
pub fn log_softmax(classes: usize, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "log_softmax: the slices differ in length");
    if x.is_empty() {
        return;
    }
    assert!(
        classes > 0 && x.len().is_multiple_of(classes),
        "log_softmax: {} values are not rows of {classes} classes",
        x.len()
    );
    for (x, y) in x.chunks_exact(classes).zip(y.chunks_exact_mut(classes)) {
        let [largest, log_sum] = row_terms(x);
        for (y, x) in y.iter_mut().zip(x) {
            *y = (f64::from(*x) - largest - log_sum) as f32;
        }
    }
}

/// The loss of one row whose label is `target`: minus its log-probability.
pub(super) fn row_loss(row: &[f32], target: usize) -> f64 {
    let [largest, log_sum] = row_terms(row);
    log_sum - (f64::from(row[target]) - largest)
}

/// The gradient of `weight * row_loss` with respect to the row.
pub(super) fn row_gradient(row: &[f32], target: usize, weight: f64, gradient: &mut [f32]) {
    let [largest, log_sum] = row_terms(row);
    let mut others = 0.0;
    for (class, (gradient, logit)) in gradient.iter_mut().zip(row).enumerate() {
        let probability = (f64::from(*logit) - largest - log_sum).exp();
        *gradient = (weight * probability) as f32;
        if class != target {
            others += probability;
        }
    }
    // The target's probability minus one, which would cancel when it is near one.
    gradient[target] = (-weight * others) as f32;
}

/// The largest logit, and the logarithm of the sum of exponentials once it is
/// subtracted.
fn row_terms(row: &[f32]) -> [f64; 2] {
    // Unlike `f32::max` this keeps a NaN.
    let largest = row.iter().fold(f32::NEG_INFINITY, |largest, logit| {
        if *logit > largest || logit.is_nan() {
            *logit
        } else {
            largest
        }
    });
    let largest = f64::from(largest);
    let sum: f64 = row
        .iter()
        .map(|logit| (f64::from(*logit) - largest).exp())
        .sum();
    [largest, sum.ln()]
}
