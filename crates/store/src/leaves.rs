//! A config as its leaves, which the hash, the index and listings all mean by a key.
//! Not here: which keys there are, and what they say.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of a config by dotted key, `model.lrn.enabled`. A list is a value; a table
/// without keys has none.
pub fn leaves(config: &Value) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    collect(String::new(), config, &mut leaves);
    leaves
}

fn collect(key: String, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    let Value::Object(table) = value else {
        leaves.insert(key, value.clone());
        return;
    };
    for (name, value) in table {
        let key = match key.as_str() {
            "" => name.clone(),
            table => format!("{table}.{name}"),
        };
        collect(key, value, leaves);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_have_dotted_keys() {
        let config = json!({ "a": { "b": 1, "c": { "d": [1, 2] }, "none": {} }, "e": null });
        let leaves: Vec<(String, Value)> = leaves(&config).into_iter().collect();
        let expected = [
            ("a.b", json!(1)),
            ("a.c.d", json!([1, 2])),
            ("e", json!(null)),
        ];
        assert_eq!(
            leaves,
            expected.map(|(key, value)| (key.to_string(), value))
        );
    }
}
