//! The variants' resolved configs set beside each other, key by key.

use std::collections::BTreeMap;

use ablate_store::Experiment;
use serde_json::Value;

use crate::trials::{Group, Trials};

/// The configs of the variants that were trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Configs {
    /// The variants, a column each.
    pub(crate) variants: Vec<String>,
    /// Keys whose values differ, each with a value for each variant; `None` where
    /// its config lacks the key.
    pub(crate) differing: Vec<(String, Vec<Option<String>>)>,
    /// Keys that all share, with their value.
    pub(crate) shared: Vec<(String, String)>,
}

impl Configs {
    pub(crate) fn new(experiment: &Experiment, trials: &Trials) -> Self {
        let trained: Vec<&Group> = trials
            .groups
            .iter()
            .filter(|group| group.ensemble.is_none())
            .collect();
        let columns: Vec<Vec<(String, String)>> = trained
            .iter()
            .map(|group| resolved(group, experiment))
            .collect();
        let mut configs = Self {
            variants: trained.iter().map(|group| group.name.to_string()).collect(),
            ..Self::default()
        };
        for key in keys(&columns) {
            let values: Vec<Option<String>> = columns
                .iter()
                .map(|column| Some(column.iter().find(|entry| entry.0 == key)?.1.clone()))
                .collect();
            match values.first() {
                Some(Some(first)) if values.iter().all(|v| v.as_ref() == Some(first)) => {
                    configs.shared.push((key, first.clone()));
                }
                _ => configs.differing.push((key, values)),
            }
        }
        configs
    }
}

/// The config of a variant's first trial, which differs from the others' in
/// nothing but the seed; before there is one, what the file says it changes.
fn resolved(group: &Group, experiment: &Experiment) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut configs = group.trials.values().map(|trial| &trial.config);
    match configs.find(|config| config.is_object()) {
        Some(config) => flatten(String::new(), config, &mut entries),
        None => {
            let mut listed = experiment.variants.iter();
            let listed = listed.find(|(name, _)| name == group.name);
            let none = BTreeMap::new();
            let changes = listed.map_or(&none, |(_, changes)| changes);
            entries.extend(
                changes
                    .iter()
                    .map(|(key, value)| (key.clone(), show(value))),
            );
        }
    }
    entries
}

/// Nested tables as dotted keys, in the order of the config and with its empty tables:
/// a reader looks for the file, where `ablate_store::leaves` is sorted.
fn flatten(key: String, value: &Value, entries: &mut Vec<(String, String)>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (name, value) in table {
                let dotted = match key.is_empty() {
                    true => name.clone(),
                    false => format!("{key}.{name}"),
                };
                flatten(dotted, value, entries);
            }
        }
        value => entries.push((key, show(value))),
    }
}

fn show(value: &Value) -> String {
    match value {
        // As the config files have it: a key without a value.
        Value::Null => "not set".to_string(),
        value => value.to_string(),
    }
}

/// Every key, a key that only later columns have after its neighbours there.
fn keys(columns: &[Vec<(String, String)>]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for column in columns {
        let mut after = 0;
        for (key, _) in column {
            match keys.iter().position(|known| known == key) {
                Some(place) => after = place + 1,
                None => {
                    keys.insert(after, key.clone());
                    after += 1;
                }
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{experiment, trial};

    #[test]
    fn keys_that_differ_are_told_from_those_that_do_not() {
        let mut trials = [trial("relu", 1, &[0.5]), trial("tanh", 1, &[0.5])];
        trials[0].config = json!({
            "model": { "activation": "relu", "filters": [16, 32] },
            "training": { "stop": null, "epochs": 3 },
        });
        trials[1].config = json!({
            "model": { "activation": "tanh", "gain": 1.5, "filters": [16, 32] },
            "training": { "stop": null, "epochs": 3 },
        });
        let experiment = experiment();
        let sorted = Trials::new(&experiment, &trials).expect("sorted");
        let configs = Configs::new(&experiment, &sorted);
        assert_eq!(configs.variants, ["relu", "tanh"]);
        let some = |text: &str| Some(text.to_string());
        let differing = [
            ("model.activation", [some("\"relu\""), some("\"tanh\"")]),
            ("model.gain", [None, some("1.5")]),
        ];
        let differing = differing.map(|(key, values)| (key.to_string(), values.to_vec()));
        assert_eq!(configs.differing, differing);
        let shared = [
            ("model.filters", "[16,32]"),
            ("training.stop", "not set"),
            ("training.epochs", "3"),
        ];
        let shared = shared.map(|(key, value)| (key.to_string(), value.to_string()));
        assert_eq!(configs.shared, shared);
    }

    #[test]
    fn without_trials_the_file_says_what_differs() {
        let experiment = experiment();
        let sorted = Trials::new(&experiment, &[]).expect("sorted");
        let configs = Configs::new(&experiment, &sorted);
        assert_eq!(configs.differing.len(), 1);
        assert_eq!(configs.differing[0].0, "model.activation");
    }
}
