//! The plugins as a config meets them: by name, with documented keys.

use ablate_core::{Kind, registry};
use ablate_metrics as _;
use ablate_optimisers as _;
use serde_json::json;

const OPTIMISERS: [&str; 3] = ["adam", "sgd", "sgd_paper"];
const SCHEDULES: [&str; 4] = ["constant", "milestones", "plateau", "step"];

#[test]
fn every_plugin_documents_its_keys() {
    let optimisers = OPTIMISERS.map(|name| (Kind::Optimiser, name));
    let schedules = SCHEDULES.map(|name| (Kind::Schedule, name));
    for (kind, name) in optimisers.into_iter().chain(schedules) {
        let keys = registry::find(kind, name).expect(name).keys();
        assert!(!keys.is_empty(), "{name}");
        for key in keys {
            assert!(
                !key.about.is_empty(),
                "{name}.{} is not documented",
                key.path
            );
        }
    }
}

#[test]
fn every_plugin_is_built_from_its_defaults() {
    for name in OPTIMISERS {
        registry::optimiser(name, &json!({}), &[]).expect(name);
    }
    for name in SCHEDULES {
        registry::schedule(name, &json!({})).expect(name);
    }
}

#[test]
fn the_defaults_are_the_papers() {
    let plugin = registry::find(Kind::Optimiser, "sgd_paper").expect("registered");
    assert_eq!(
        plugin.resolve(&json!({})).expect("resolves"),
        json!({ "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005, "decay_biases": true })
    );
    let plateau = registry::find(Kind::Schedule, "plateau").expect("registered");
    let keys = plateau.keys();
    for (path, default) in [
        ("metric", "\"top1_error\""),
        ("factor", "0.1"),
        ("drops", "3"),
    ] {
        let key = keys.iter().find(|key| key.path == path).expect(path);
        assert_eq!(
            (key.default.as_str(), key.source.as_str()),
            (default, "section 5")
        );
    }
}
