//! Single values as tables show them.

use serde_json::Value;

/// A fraction as a percentage: `12.3%`; `-` where there is none.
pub fn percent(fraction: Option<f64>) -> String {
    fraction.map_or("-".to_string(), |value| format!("{:.1}%", 100.0 * value))
}

/// A size in the largest unit of which it has one: `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ if value < 9.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A moment in UTC; `-` where it is not known.
pub fn when(seconds: Option<i64>) -> String {
    seconds.map_or("-".to_string(), ablate_index::date)
}

/// A config's value or a metric, without quotes: five digits of a number; `-` where
/// there is none.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_string(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or(f64::NAN);
            let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
            rounded.to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_and_numbers_are_short() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(9_960), "10 kB");
        assert_eq!(bytes(999_600), "1.0 MB");
        assert_eq!(bytes(2_340_000_000), "2.3 GB");
        assert_eq!(percent(Some(0.1234)), "12.3%");
        assert_eq!(percent(None), "-");
        assert_eq!(text(&json!(0.123_456_789)), "0.12346");
        assert_eq!(text(&json!(0.01)), "0.01");
        assert_eq!(text(&json!(128)), "128");
        assert_eq!(text(&json!("relu")), "relu");
        assert_eq!(text(&json!([8, 8])), "[8,8]");
        assert_eq!(text(&json!(null)), "-");
    }
}
