//! A plugin's keys given on the command line.

use anyhow::bail;
use serde_json::{Map, Value};

/// `key=value` texts as a table; a value is JSON, or else a string. `option` is what
/// they were given by.
///
/// # Errors
/// One has no `=`.
pub fn table(option: &str, settings: &[String]) -> anyhow::Result<Value> {
    let mut table = Map::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            bail!("{option} {setting}: there is no `=`\n  fix: write `{option} KEY=VALUE`");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        table.insert(key.trim().to_string(), value);
    }
    Ok(Value::Object(table))
}
