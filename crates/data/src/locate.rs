//! Where data is looked for, and the error that says so when it is not there.

use std::path::{Path, PathBuf};

use ablate_core::{DataContext, Error};

/// The environment variable that names a folder of data sets.
pub(crate) const DATA_VARIABLE: &str = "ABLATE_DATA_DIR";

/// The places to look at for a set, most specific first.
///
/// An absolute `root` is the one place. A relative one is looked for where the
/// program runs, then in the folder of [`DATA_VARIABLE`], then in the program's
/// data folders; an empty one stands for those folders themselves.
pub(crate) fn places(root: &str, cx: &DataContext) -> Vec<PathBuf> {
    let variable = std::env::var_os(DATA_VARIABLE).filter(|value| !value.is_empty());
    candidates(root, variable.map(PathBuf::from), &cx.roots)
}

fn candidates(root: &str, variable: Option<PathBuf>, roots: &[PathBuf]) -> Vec<PathBuf> {
    if Path::new(root).is_absolute() {
        return vec![PathBuf::from(root)];
    }
    let here = (!root.is_empty()).then(|| PathBuf::from(root));
    let folders = variable.into_iter().chain(roots.iter().cloned());
    let below = folders.map(|folder| {
        if root.is_empty() {
            folder
        } else {
            folder.join(root)
        }
    });
    let mut places: Vec<PathBuf> = Vec::new();
    for place in here.into_iter().chain(below) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// A set that is at none of the places.
pub(crate) fn not_found(what: &str, places: &[PathBuf], fix: &str) -> Error {
    let looked = match places {
        [] => format!("nowhere, for no folder was given and {DATA_VARIABLE} is not set"),
        _ => places
            .iter()
            .map(|place| format!("\n    {}", place.display()))
            .collect(),
    };
    Error::Other(format!(
        "{what} was not found\n  looked in: {looked}\n  fix: {fix}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_from_the_most_specific_to_the_least() {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        let roots = paths(&["data", "../shared"]);
        let variable = || Some(PathBuf::from("/sets"));
        assert_eq!(
            candidates("", variable(), &roots),
            paths(&["/sets", "data", "../shared"])
        );
        assert_eq!(candidates("/there", variable(), &roots), paths(&["/there"]));
        assert_eq!(
            candidates("x.tar", variable(), &roots),
            paths(&["x.tar", "/sets/x.tar", "data/x.tar", "../shared/x.tar"])
        );
        assert_eq!(
            candidates("", None, &paths(&["data", "data"])),
            paths(&["data"])
        );
    }

    #[test]
    fn a_missing_set_lists_every_place() {
        let error = not_found("CIFAR-10", &["a".into(), "b".into()], "fetch it").to_string();
        assert!(error.contains("a\n    b\n  fix: fetch it"), "{error}");
        assert!(
            not_found("CIFAR-10", &[], "fetch it")
                .to_string()
                .contains(DATA_VARIABLE)
        );
    }
}
