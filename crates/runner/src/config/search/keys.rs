//! The searched keys of several layers. What a key may be is one layer's whole say:
//! a range must not be merged with another kind of range.

use figment::value::{Dict, Value};

use super::TABLE;
use crate::config::layer::Layer;

/// The kinds of ranges.
const RANGES: [&str; 3] = ["uniform", "log_uniform", "integers"];

/// Takes the table `keys` out of each layer, and returns all of them as one: of a key
/// that several have, what the last says.
pub(super) fn take(layers: &mut [Layer]) -> Layer {
    let mut found = Dict::new();
    let mut origin = String::new();
    for layer in layers {
        if let Some(Value::Dict(_, keys)) = layer.take(TABLE, "keys") {
            flatten("", keys, &mut found);
            origin = layer.origin().to_string();
        }
    }
    Layer::key(origin, "search.keys", found.into())
}

/// A key in quotes, `"optimiser.lr" = ...`, is whole; tables within tables, as `--set
/// search.keys.optimiser.lr=...` makes them, go down to a list or a range.
fn flatten(prefix: &str, keys: Dict, found: &mut Dict) {
    let is_range = |table: &Dict| RANGES.iter().any(|name| table.contains_key(*name));
    for (name, value) in keys {
        let key = match prefix {
            "" => name.clone(),
            prefix => format!("{prefix}.{name}"),
        };
        match value {
            Value::Dict(_, table) if !name.contains('.') && !is_range(&table) => {
                flatten(&key, table, found);
            }
            value => {
                found.insert(key, value);
            }
        }
    }
}

/// Gives a dotted key a value, in tables within tables.
pub(super) fn insert(keys: &mut Dict, key: &str, value: Value) {
    let Some((table, rest)) = key.split_once('.') else {
        keys.insert(key.to_string(), value);
        return;
    };
    let inner = keys.entry(table.to_string());
    if let Value::Dict(_, inner) = inner.or_insert_with(|| Dict::new().into()) {
        insert(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn however_a_key_is_written_the_last_layer_says_what_it_may_be() {
        let layer = |text: &str| {
            let keys = toml::from_str(text).expect("TOML");
            Layer::table(Path::new("x.toml"), "", keys)
        };
        let mut layers = [
            layer("[search.keys]\n'optimiser.lr' = { uniform = [0, 1] }\nmodel.lrn.depth = [3, 5]"),
            layer("[search]\nepochs = 3\nkeys.optimiser.lr = { log_uniform = [1e-3, 1] }"),
            layer("[search.keys]\n'optimiser.momentum' = { unifrom = [0, 1] }"),
        ];
        let mut keys = take(&mut layers);
        assert!(layers.iter_mut().all(|l| l.take(TABLE, "keys").is_none()));
        assert!(layers[1].take(TABLE, "epochs").is_some());
        let Some(Value::Dict(_, keys)) = keys.take(TABLE, "keys") else {
            panic!("no keys");
        };
        let names: Vec<&str> = keys.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["model.lrn.depth", "optimiser.lr", "optimiser.momentum"]
        );
        let rate = keys["optimiser.lr"].as_dict().expect("a range");
        assert!(rate.len() == 1 && rate.contains_key("log_uniform"));
    }
}
