//! The name of a plugin to be, in its two spellings; it is checked before any file
//! is written.

use ablate_core::{Kind, registry};
use anyhow::bail;

/// Names a package cannot have: crates that a project depends on or that are always
/// there, which it could then not use, and folders that cargo builds in, which it
/// refuses as the name of a program.
const RESERVED: [&str; 16] = [
    "alloc",
    "build",
    "candle_core",
    "candle_nn",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "rand",
    "rand_chacha",
    "schemars",
    "serde",
    "std",
    "test",
    "xtask",
];

/// Words that Rust keeps for itself, and that could be a name here.
const WORDS: [&str; 50] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while",
];

/// A name that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    plugin: String,
}

impl Name {
    /// Checks a name for a plugin of `kind`, whose source will be `source`.
    ///
    /// # Errors
    /// It is no identifier in lower case, is taken, or means something else in that
    /// source.
    pub fn new(text: &str, kind: Kind, source: &str) -> anyhow::Result<Self> {
        let starts = text.starts_with(|letter: char| letter.is_ascii_lowercase());
        let fits =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !starts || !text.chars().all(fits) || text.ends_with('_') || text.contains("__") {
            bail!("`{text}` cannot be a plugin's name{}", better(text));
        }
        if RESERVED.contains(&text) || WORDS.contains(&text) || text.starts_with("ablate_") {
            bail!(
                "`{text}` is a name of Rust's, of cargo's or of a crate's\n  fix: choose another"
            );
        }
        if registry::find(kind, text).is_ok() {
            bail!("there is a {kind} `{text}` already\n  fix: choose another name");
        }
        let name = Self {
            plugin: text.to_string(),
        };
        let word = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
        if source.split(word).any(|word| word == name.type_name()) {
            let type_name = name.type_name();
            bail!(
                "`{text}` would be the type `{type_name}`, which its source uses for something \
                   else\n  fix: choose another name"
            );
        }
        Ok(name)
    }

    /// As configs write it: `tiny_net`.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// As its type is called: `TinyNet`.
    pub fn type_name(&self) -> String {
        let part = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
        self.plugin.split('_').map(part).collect()
    }

    /// A template with this name in place of `my_plugin` and `MyPlugin`.
    pub fn put_into(&self, template: &str) -> String {
        template
            .replace("my_plugin", &self.plugin)
            .replace("MyPlugin", &self.type_name())
    }
}

/// What to write instead.
fn better(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        match letter {
            letter if letter.is_ascii_uppercase() => {
                if !name.is_empty() && !name.ends_with('_') {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_matches('_');
    match name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        true => format!("\n  fix: write `{name}`"),
        false => "\n  fix: start with a letter, go on with a-z, 0-9 and `_`".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<Name, String> {
        Name::new(text, Kind::Model, "use ablate_core::Image;").map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_has_two_spellings() {
        let name = name("tiny_net2").expect("a name");
        assert_eq!(name.type_name(), "TinyNet2");
        let text = name.put_into("struct MyPlugin; // my_plugin");
        assert_eq!(text, "struct TinyNet2; // tiny_net2");
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_one_that_can() {
        for (text, fix) in [
            ("TinyNet", "write `tiny_net`"),
            ("tiny-net", "write `tiny_net`"),
            ("../tiny net", "write `tiny_net`"),
            ("tiny__net_", "write `tiny_net`"),
            ("2net", "start with a letter"),
            ("", "start with a letter"),
            ("naïve", "write `na_ve`"),
        ] {
            let error = name(text).expect_err(text);
            assert!(error.contains(fix), "{text}: {error}");
        }
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for text in [
            "candle_core",
            "type",
            "ablate_nn",
            "image",
            "build",
            "incremental",
        ] {
            let error = name(text).expect_err(text);
            assert!(error.contains("choose another"), "{text}: {error}");
        }
    }
}
