//! What a trial's config would have where its author said nothing.

use std::collections::BTreeMap;

use ablate_core::{Key, Kind, keys_of, registry};
use ablate_runner::config::{Evaluation, Machine, Training};
use serde_json::Value;

/// The leaves of a config by dotted key.
pub type Leaves = BTreeMap<String, Value>;

/// The defaults of the plugins that `config` names, and of the tables that name none.
/// A plugin that this program does not have gives none.
pub fn defaults(config: &Value) -> Leaves {
    let mut found = Leaves::new();
    let mut add = |table: &str, keys: Vec<Key>| {
        for key in keys {
            let default = match key.default.as_str() {
                "none" => Some(Value::Null),
                text => serde_json::from_str(text).ok(),
            };
            if let Some(default) = default {
                found.insert(format!("{table}.{}", key.path), default);
            }
        }
    };
    let named = [
        ("model", Kind::Model),
        ("data", Kind::Dataset),
        ("optimiser", Kind::Optimiser),
        ("schedule", Kind::Schedule),
    ];
    for (table, kind) in named {
        let name = config[table]["name"].as_str().unwrap_or_default();
        if let Ok(plugin) = registry::find(kind, name) {
            add(table, plugin.keys());
        }
    }
    let steps = config["augmentation"]["steps"].as_array();
    for name in steps.into_iter().flatten().filter_map(Value::as_str) {
        if let Ok(plugin) = registry::find(Kind::Augmentation, name) {
            add(&format!("augmentation.{name}"), plugin.keys());
        }
    }
    add("training", keys_of::<Training>());
    add("evaluation", keys_of::<Evaluation>());
    add("machine", keys_of::<Machine>());
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_have_their_defaults() {
        let config = json!({ "training": { "epochs": 3 }, "model": { "name": "unheard of" } });
        let defaults = defaults(&config);
        assert_eq!(defaults["training.epochs"], json!(90));
        assert_eq!(defaults["training.stop_at_train_error"], json!(null));
        assert!(!defaults.keys().any(|key| key.starts_with("model.")));
    }
}
