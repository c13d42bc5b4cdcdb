//! Conditions that trials are chosen by: `optimiser.lr>=0.01`.

use std::str::FromStr;

use crate::{Error, Result};

/// A comparison of one key with a value. A trial that lacks the key does not meet it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub value: Operand,
    /// As the user wrote it, for messages.
    text: String,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`, also `==`.
    Equal,
    /// `!=`.
    Unequal,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
}

/// What a key is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A number, with the text it was.
    Number(f64, String),
    /// Anything else, without quotes; a list as JSON without spaces.
    Text(String),
}

/// Longer ones first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("!=", Operator::Unequal),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Operator {
    /// Whether it compares greater and less, which text does not have.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }

    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Operand {
    fn read(text: &str) -> Self {
        for quote in ['"', '\''] {
            let inner = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote));
            if let Some(inner) = inner {
                return Self::Text(inner.to_string());
            }
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number, text.to_string()),
            _ if text.starts_with('[') => Self::Text(text.replace(' ', "")),
            _ => Self::Text(text.to_string()),
        }
    }

    /// As the user wrote it, without quotes.
    pub fn text(&self) -> &str {
        match self {
            Self::Number(_, text) | Self::Text(text) => text,
        }
    }
}

impl Condition {
    /// That a key equals some text.
    pub fn equal(key: &str, text: &str) -> Self {
        Self {
            key: key.to_string(),
            operator: Operator::Equal,
            value: Operand::Text(text.to_string()),
            text: format!("{key}={text}"),
        }
    }

    /// A complaint about it.
    pub(crate) fn refused(&self, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::Condition {
            text: self.text.clone(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |problem: &str| Error::Condition {
            text: text.to_string(),
            problem: problem.to_string(),
            fix: "write KEY, one of = != < <= > >=, and VALUE, for example \
                  'optimiser.lr>=0.01', in quotes for the shell's sake"
                .to_string(),
        };
        let at = text.find(['=', '!', '<', '>']);
        let at = at.ok_or_else(|| refused("compares nothing"))?;
        let (key, rest) = (text[..at].trim(), &text[at..]);
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?.trim())));
        let (operator, value) = found.ok_or_else(|| refused("`!` is no comparison"))?;
        if key.is_empty() {
            return Err(refused("names no key"));
        }
        if value.is_empty() {
            return Err(refused("gives no value"));
        }
        if value.starts_with(['=', '!', '<', '>']) {
            return Err(refused("has no such comparison"));
        }
        Ok(Self {
            key: key.to_string(),
            operator,
            value: Operand::read(value),
            text: text.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Operator, Operand)> {
        let condition: Condition = text.parse()?;
        Ok((condition.key, condition.operator, condition.value))
    }

    #[test]
    fn a_condition_has_a_key_a_comparison_and_a_value() {
        let number = |value: f64, text: &str| Operand::Number(value, text.to_string());
        let words = |text: &str| Operand::Text(text.to_string());
        let cases = [
            (
                "optimiser.lr>=0.01",
                "optimiser.lr",
                Operator::AtLeast,
                number(0.01, "0.01"),
            ),
            ("a.b <= 1e-4", "a.b", Operator::AtMost, number(1e-4, "1e-4")),
            ("a<3", "a", Operator::Less, number(3.0, "3")),
            ("a>-3", "a", Operator::Greater, number(-3.0, "-3")),
            ("a != x", "a", Operator::Unequal, words("x")),
            (
                "model.name=alexnet",
                "model.name",
                Operator::Equal,
                words("alexnet"),
            ),
            ("a==b", "a", Operator::Equal, words("b")),
            ("a='1'", "a", Operator::Equal, words("1")),
            ("a=\"x=y<z\"", "a", Operator::Equal, words("x=y<z")),
            ("a=x=y", "a", Operator::Equal, words("x=y")),
            (
                "model.filters=[16, 16, 32]",
                "model.filters",
                Operator::Equal,
                words("[16,16,32]"),
            ),
            ("a=nan", "a", Operator::Equal, words("nan")),
        ];
        for (text, key, operator, value) in cases {
            let found = read(text).expect(text);
            assert_eq!(found, (key.to_string(), operator, value), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_an_example() {
        for wrong in [
            "", "a", "=3", "a=", "a>= ", "!a", "a!3", "a=<3", "a<>3", "a=>3",
        ] {
            let error = read(wrong).expect_err(wrong).to_string();
            assert!(error.contains("optimiser.lr>=0.01"), "{wrong}: {error}");
        }
    }
}
