//! The plugins as a config meets them: by name, with documented keys.

use ablate_augmentations as _;
use ablate_core::{Kind, registry};

#[test]
fn every_step_is_registered_and_documents_its_keys() {
    let names = [
        ("mean_subtraction", vec!["mean", "scale"]),
        ("pca_colour", vec!["sigma", "magnitude"]),
        ("per_image_mean", vec![]),
        ("random_crop", vec!["size", "padding", "evaluation"]),
        ("reflection", vec!["probability"]),
    ];
    for (name, expected) in names {
        let plugin = registry::find(Kind::Augmentation, name).expect(name);
        let keys = plugin.keys();
        let paths: Vec<&str> = keys.iter().map(|key| key.path.as_str()).collect();
        assert_eq!(paths, expected);
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
fn choices_are_written_as_in_the_paper() {
    let resolve = |name, config| {
        let plugin = registry::find(Kind::Augmentation, name).expect(name);
        plugin.resolve(&config)
    };
    let crop = serde_json::json!({ "size": 28, "evaluation": "ten_crop" });
    assert_eq!(
        resolve("random_crop", crop).expect("resolves"),
        serde_json::json!({ "size": 28, "padding": 0, "evaluation": "ten_crop" })
    );
    for (name, config) in [
        (
            "mean_subtraction",
            serde_json::json!({ "mean": "per_channel", "scale": "standard_deviation" }),
        ),
        (
            "pca_colour",
            serde_json::json!({ "sigma": 0.1, "magnitude": "eigenvalue" }),
        ),
    ] {
        assert_eq!(resolve(name, config.clone()).expect("resolves"), config);
    }
    let error = resolve("per_image_mean", serde_json::json!({ "mean": 1 })).expect_err("unknown");
    assert!(error.to_string().contains("mean"), "{error}");
}
