//! Holm's correction for several comparisons.

/// Holm's step-down adjusted p-values, in the order given: each may be held
/// against the same threshold as a single one. A comparison without a p-value
/// stays without one and does not count.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(index, p)| p.map(|p| (index, p)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p_values.len()];
    let mut so_far = 0.0_f64;
    for (rank, (index, p)) in order.iter().enumerate() {
        let remaining = (order.len() - rank) as f64;
        so_far = so_far.max((p * remaining).min(1.0));
        adjusted[*index] = Some(so_far);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// statsmodels.stats.multitest.multipletests(p, method='holm')
    #[test]
    fn matches_statsmodels() {
        let check = |p: &[f64], reference: &[f64]| {
            let p: Vec<_> = p.iter().copied().map(Some).collect();
            for (ours, reference) in holm(&p).iter().zip(reference) {
                let ours = ours.expect("a p-value");
                assert!(
                    (ours - reference).abs() < 1e-12,
                    "{ours} against {reference}"
                );
            }
        };
        check(&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]);
        check(&[0.6, 0.7, 0.02], &[1.0, 1.0, 0.06]);
    }

    #[test]
    fn absent_p_values_do_not_count() {
        assert_eq!(holm(&[None, Some(0.02), None]), [None, Some(0.02), None]);
        assert_eq!(holm(&[]), []);
    }
}
