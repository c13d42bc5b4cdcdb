//! Single values as tables show them.

use serde_json::Value;

/// A fraction as a percentage: `12.3%`; `-` where there is none.
pub fn percent(fraction: Option<f64>) -> String {
    let Some(value) = fraction.map(|fraction| 100.0 * fraction) else {
        return "-".to_string();
    };
    let tenths = 10.0 * value;
    // Whole numbers are printed much sooner than fractions, and a table may have a
    // hundred thousand. Halfway between two the exact value decides.
    let is_halfway = (tenths.fract() - 0.5).abs() < 1e-6;
    if is_halfway || !(0.0..1e6).contains(&tenths) {
        return format!("{value:.1}%");
    }
    let tenths = tenths.round() as u32;
    format!("{}.{}%", tenths / 10, tenths % 10)
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
        assert_eq!(percent(Some(-0.5)), "-50.0%");
        assert_eq!(percent(Some(f64::NAN)), "NaN%");
        assert_eq!(text(&json!(0.123_456_789)), "0.12346");
        assert_eq!(text(&json!(0.01)), "0.01");
        assert_eq!(text(&json!(128)), "128");
        assert_eq!(text(&json!("relu")), "relu");
        assert_eq!(text(&json!([8, 8])), "[8,8]");
        assert_eq!(text(&json!(null)), "-");
    }

    #[test]
    fn a_percentage_is_rounded_as_its_exact_value_is() {
        for n in 0..=200_000_u32 {
            let fraction = f64::from(n) / 1e5;
            let exact = format!("{:.1}%", 100.0 * fraction);
            assert_eq!(percent(Some(fraction)), exact, "{fraction}");
        }
    }
}
