//! From a config's JSON schema to documented keys, and the refusal of unknown ones.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The default of a key that may be absent.
const NONE: &str = "none";

/// One documented config key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Dotted path in the plugin's table: `lrn.alpha`.
    pub path: String,
    /// What values it takes: `integer`, `"relu" | "tanh"`.
    pub value_type: String,
    /// The default, as TOML would have it; `none` where the key may be absent.
    pub default: String,
    /// What it means, from the field's doc comment.
    pub about: String,
    /// Where the default comes from; empty where it is our own.
    pub source: String,
}

/// The JSON schema of a config type, nested types inlined.
///
/// A plan of thousands of trials asks for each a dozen times, so it is made once a
/// type and kept.
pub fn of<C: JsonSchema + 'static>() -> &'static Schema {
    static MADE: Mutex<BTreeMap<TypeId, &Schema>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(TypeId::of::<C>()).or_insert_with(|| {
        let settings = SchemaSettings::default().with(|s| s.inline_subschemas = true);
        Box::leak(Box::new(
            settings.into_generator().into_root_schema_for::<C>(),
        ))
    })
}

/// Every key a config type documents, nested tables flattened.
pub fn keys_of<C: JsonSchema + 'static>() -> Vec<Key> {
    keys(of::<C>())
}

/// Reads a config: unknown keys are refused, absent ones take their default.
///
/// # Errors
/// An unknown key (the nearest known one is suggested) or a value of the wrong
/// type; the error names the key.
pub fn resolve<C: DeserializeOwned + JsonSchema + 'static>(value: &Value) -> Result<C> {
    refuse_unknown_keys(of::<C>(), value)?;
    parse(value)
}

/// Reads a config whose keys are known to be right.
pub(crate) fn parse<C: DeserializeOwned + JsonSchema + 'static>(value: &Value) -> Result<C> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (key, problem) = named(error.path().to_string(), error.inner().to_string());
        let fix = match keys_of::<C>().iter().find(|known| known.path == key) {
            Some(known) if known.default == NONE => {
                format!("give {}, or leave it out", known.value_type)
            }
            Some(known) => format!("give {}, for example {}", known.value_type, known.default),
            None => "see `cargo xtask describe` for the keys and their types".to_string(),
        };
        Error::bad_value(key, problem, fix)
    })
}

/// The key that is wrong, and what is wrong with it: where a type reads itself, only
/// its message, which begins with the key in backticks, knows more than the root.
fn named(path: String, message: String) -> (String, String) {
    let in_message = message.strip_prefix('`').and_then(|m| m.split_once("`: "));
    match in_message {
        Some((key, problem)) if path == "." => (key.to_string(), problem.to_string()),
        _ => (path, message),
    }
}

/// Every key a schema documents, nested tables flattened.
pub fn keys(schema: &Schema) -> Vec<Key> {
    let mut keys = Vec::new();
    collect("", schema.as_value(), None, &mut keys);
    keys
}

fn collect(prefix: &str, schema: &Value, default: Option<&Value>, keys: &mut Vec<Key>) {
    let default = default.or_else(|| schema.get("default"));
    let Some(properties) = properties(schema) else {
        return;
    };
    for (name, property) in properties {
        let path = format!("{prefix}{name}");
        let value = default
            .and_then(|table| table.get(name))
            .or_else(|| property.get("default"));
        if self::properties(property).is_some() {
            collect(&format!("{path}."), property, value, keys);
            continue;
        }
        let description = property
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (about, source) = split_source(description);
        keys.push(Key {
            path,
            value_type: value_type(property),
            default: match value {
                None | Some(Value::Null) => NONE.to_string(),
                Some(value) => value.to_string(),
            },
            about,
            source,
        });
    }
}

/// The properties of a table, also of one that may be absent.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    if let Some(properties) = schema.get("properties") {
        return properties.as_object();
    }
    let choices = schema.get("anyOf")?.as_array()?;
    choices
        .iter()
        .find_map(|choice| choice.get("properties")?.as_object())
}

fn split_source(description: &str) -> (String, String) {
    let flat = description.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.rsplit_once("Source:") {
        Some((about, source)) => (
            about.trim().to_string(),
            source.trim().trim_end_matches('.').to_string(),
        ),
        None => (flat, String::new()),
    }
}

fn value_type(schema: &Value) -> String {
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return join(values.iter().map(Value::to_string));
    }
    for union in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(union).and_then(Value::as_array) {
            return join(choices.iter().map(value_type).filter(|t| t != "null"));
        }
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => join(
            names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null")
                .map(String::from),
        ),
        _ => "any".to_string(),
    };
    match (name.as_str(), schema.get("items")) {
        ("array", Some(items)) => format!("array of {}", value_type(items)),
        ("object", _) => "table".to_string(),
        _ => name,
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.collect();
    parts.dedup();
    parts.join(" | ")
}

/// Checks every key of `config` against the schema.
///
/// # Errors
/// The first unknown key, with the nearest known one.
pub fn refuse_unknown_keys(schema: &Schema, config: &Value) -> Result<()> {
    walk("", schema.as_value(), config)
}

fn walk(prefix: &str, schema: &Value, config: &Value) -> Result<()> {
    let (Some(properties), Some(config)) = (properties(schema), config.as_object()) else {
        return Ok(());
    };
    for (name, value) in config {
        let key = format!("{prefix}{name}");
        let Some(property) = properties.get(name) else {
            return Err(Error::UnknownKey {
                key,
                fix: nearest(name, properties.keys().map(String::as_str)),
            });
        };
        walk(&format!("{key}."), property, value)?;
    }
    Ok(())
}

/// Advice for a name that is not known: the nearest known one, or all of them.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known
        .iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(name, candidate),
                candidate,
            )
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((similarity, candidate)) if similarity >= 0.5 => {
            format!("did you mean `{candidate}`?")
        }
        Some(_) => format!("known: {}", known.join(", ")),
        None => "none are known".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A nested table.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        /// A factor. Source: section 3.3.
        alpha: f64,
    }

    impl Default for Inner {
        fn default() -> Self {
            Self { alpha: 0.25 }
        }
    }

    #[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Fast,
        Slow,
    }

    #[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        /// How.
        mode: Mode,
        /// The inner table.
        inner: Inner,
        /// May be absent.
        limit: Option<usize>,
    }

    #[test]
    fn the_nearest_name_must_be_near() {
        assert_eq!(nearest("alhpa", ["beta", "alpha"]), "did you mean `alpha`?");
        assert_eq!(nearest("xyz", ["beta", "alpha"]), "known: beta, alpha");
        // Half of the letters are enough.
        assert_eq!(nearest("ab", ["ax"]), "did you mean `ax`?");
        assert_eq!(nearest("ab", []), "none are known");
    }

    #[test]
    fn keys_carry_type_default_doc_and_source() {
        let schema = of::<Outer>();
        let keys = keys(schema);
        let find = |path: &str| keys.iter().find(|key| key.path == path).expect(path);
        assert_eq!(find("mode").value_type, r#""fast" | "slow""#);
        assert_eq!(find("mode").default, r#""fast""#);
        assert_eq!(find("inner.alpha").default, "0.25");
        assert_eq!(find("inner.alpha").source, "section 3.3");
        assert_eq!(find("inner.alpha").about, "A factor.");
        assert_eq!(find("limit").value_type, "integer");
        assert_eq!(find("limit").default, "none");

        let config = serde_json::json!({ "inner": { "alhpa": 1.0 } });
        let error = refuse_unknown_keys(schema, &config)
            .expect_err("unknown key")
            .to_string();
        assert!(
            error.contains("`inner.alhpa`") && error.contains("did you mean `alpha`?"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_type_is_refused_with_the_key_and_what_to_give() {
        for (config, key, fix) in [
            (
                serde_json::json!({ "limit": "many" }),
                "limit",
                "give integer, or leave it out",
            ),
            (
                serde_json::json!({ "inner": { "alpha": "x" } }),
                "inner.alpha",
                "give number, for example 0.25",
            ),
        ] {
            let error = resolve::<Outer>(&config).err().expect("wrong type");
            let text = error.to_string();
            assert!(text.starts_with(&format!("`{key}`")), "{text}");
            assert!(text.contains(fix), "{text}");
        }
    }
}
