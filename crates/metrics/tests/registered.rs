//! The metrics as a config meets them: by name, without keys.

use ablate_core::registry;
use ablate_metrics as _;
use serde_json::json;

#[test]
fn every_metric_is_built_by_name_and_lower_is_better() {
    // The label is the second of six.
    let row = [-1.0, -1.5, -2.0, -3.0, -4.0, -5.0];
    for (name, score) in [("loss", 1.5), ("top1_error", 1.0), ("top5_error", 0.0)] {
        let metric = registry::metric(name, &json!({})).expect(name);
        assert_eq!(metric.score(&row, 1), score, "{name}");
        assert!(metric.score(&row, 0) < metric.score(&row, 5), "{name}");
        assert!(
            registry::metric(name, &json!({ "k": 2 })).is_err(),
            "{name} has no keys"
        );
    }
}
