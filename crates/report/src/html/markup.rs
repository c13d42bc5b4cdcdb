//! HTML that no word from a file can break out of: text and attributes are escaped
//! as they become markup. Knows nothing of reports.

use std::fmt;

use serde_json::Value;

/// A piece of well-formed HTML.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Markup(String);

impl Markup {
    /// Markup from this crate's own files and renderers.
    pub(crate) fn trusted(html: impl Into<String>) -> Self {
        Self(html.into())
    }

    /// A value for a script element of a type that is not run. JSON has these letters
    /// in strings alone, where they may be written as numbers.
    pub(crate) fn json(value: &Value) -> Self {
        let mut json = value.to_string();
        for (letter, number) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] {
            json = json.replace(letter, number);
        }
        Self(json)
    }

    /// Adds what comes after.
    pub(crate) fn push(&mut self, next: impl Into<Self>) {
        self.0 += &next.into().0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text, escaped.
impl From<&str> for Markup {
    fn from(text: &str) -> Self {
        Self(escape(text))
    }
}

/// Text, escaped.
impl From<String> for Markup {
    fn from(text: String) -> Self {
        Self(escape(&text))
    }
}

impl FromIterator<Self> for Markup {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

impl<const N: usize> From<[Markup; N]> for Markup {
    fn from(parts: [Markup; N]) -> Self {
        parts.into_iter().collect()
    }
}

/// An element with its closing tag.
pub(crate) fn element(tag: &str, attributes: &[(&str, &str)], inside: impl Into<Markup>) -> Markup {
    let mut html = format!("<{tag}");
    for (name, value) in attributes {
        html += &format!(" {name}=\"{}\"", escape(value));
    }
    Markup(format!("{html}>{}</{tag}>", inside.into().0))
}

/// The template with each `{{name}}` replaced by its part. Parts are not searched
/// for names, a name without a part leaves nothing, and one without an end is text.
pub(crate) fn fill(template: &str, parts: &[(&str, Markup)]) -> String {
    let mut html = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        html += before;
        let part = parts.iter().find(|part| part.0 == name);
        html += part.map_or("", |part| &part.1.0);
        rest = after;
    }
    html + rest
}

/// Text made literal in text and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            // HTML has no way to write them.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_breaks_out() {
        let hostile = "</script><img src=x onerror='alert(1)' title=\"&\">\0";
        let html = element("p", &[("title", hostile)], hostile).0;
        assert_eq!(html.matches('<').count(), 2, "{html}");
        assert_eq!(html.matches('"').count(), 2, "{html}");
        assert!(!html.contains('\0') && !html.contains('\''), "{html}");
        let json = json!({ hostile: hostile });
        let escaped = Markup::json(&json).0;
        assert!(!escaped.contains(['<', '>', '&']), "{escaped}");
        assert_eq!(serde_json::from_str::<Value>(&escaped).ok(), Some(json));
    }

    #[test]
    fn a_part_that_names_another_is_left_alone() {
        let parts = [("a", "{{b}} {{".into()), ("b", "B".into())];
        assert_eq!(fill("1 {{a}} 2 {{b}} {{c}}3", &parts), "1 {{b}} {{ 2 B 3");
        assert_eq!(fill("1 {{b}} 2 {{b", &parts), "1 B 2 {{b");
    }
}
