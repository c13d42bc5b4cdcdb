//! Readable names of classes, from the file `classes.tsv` of a set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ablate_core::{Error, Result};

/// The file of readable class names: a folder name, a tab, a name on each line.
pub(crate) const FILE: &str = "classes.tsv";

/// Readable names by folder, or by synset id.
pub(crate) type Names = BTreeMap<String, String>;

/// The names in the file [`FILE`] of a folder; none where there is no file.
///
/// # Errors
/// It cannot be read or parsed.
pub(crate) fn names(folder: &Path) -> Result<Names> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => parse(&path, bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Names::new()),
        Err(error) => Err(Error::io(&path)(error)),
    }
}

/// Reads names.
///
/// # Errors
/// A line has no tab, or it is not UTF-8.
pub(crate) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Names> {
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::bad_file(path, "not UTF-8 text", "save it as UTF-8"))?;
    let mut names = BTreeMap::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let Some((folder, name)) = line.split_once('\t') else {
            let problem = format!("line {} has no tab: `{line}`", number + 1);
            let fix = "write a class folder, a tab and its readable name";
            return Err(Error::bad_file(path, problem, fix));
        };
        names.insert(folder.trim().to_string(), name.trim().to_string());
    }
    Ok(names)
}

/// Readable names by label. ImageNet gives two pairs of classes one name; those
/// carry their folder too.
pub(crate) fn readable<'a>(
    folders: impl Iterator<Item = &'a String> + Clone,
    names: &Names,
) -> Vec<String> {
    let name = |folder: &'a String| names.get(folder).unwrap_or(folder).clone();
    let (mut seen, mut shared) = (BTreeSet::new(), BTreeSet::new());
    for folder in folders.clone() {
        if !seen.insert(name(folder)) {
            shared.insert(name(folder));
        }
    }
    folders
        .map(|folder| match name(folder) {
            name if shared.contains(&name) => format!("{name} ({folder})"),
            name => name,
        })
        .collect()
}
