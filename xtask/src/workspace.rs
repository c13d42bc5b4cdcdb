//! The project this program works for, and where data is looked for. It knows
//! folders, not what lies in them.

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use ablate_core::DataContext;

static PROJECT: OnceLock<PathBuf> = OnceLock::new();

/// Says whose program this is, once, before any command.
pub fn enter(project: &Path) {
    // A second call would come from the same `main` and say the same.
    let _ = PROJECT.set(without_dots(project));
}

/// The project's folder: `experiments/`, `runs/`, `data/` and `docs/` lie there.
pub fn root() -> PathBuf {
    PROJECT.get().cloned().unwrap_or_else(source)
}

/// The checkout of `ablate` that this program was built from.
pub fn source() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The run store: the one that is named, else `runs/` in the project.
pub fn store(named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| root().join("runs"), Path::to_path_buf)
}

/// The file of an experiment, given by its file or its name in `experiments/`.
pub fn experiment(given: &Path) -> PathBuf {
    match given.extension() {
        Some(_) => given.to_path_buf(),
        None => root()
            .join("experiments")
            .join(given)
            .with_added_extension("toml"),
    }
}

/// The folder `data fetch` fills.
pub fn data_folder() -> PathBuf {
    root().join("data")
}

/// Where data sets look for their files: `ABLATE_DATA_DIR`, then `data/` in the
/// project and `../shared/data` beside it, then the same of the checkout of
/// `ablate`.
pub fn data_context() -> DataContext {
    let own = std::env::var_os("ABLATE_DATA_DIR").map(PathBuf::from);
    let mut places = vec![root(), source()];
    places.dedup();
    let usual = places
        .iter()
        .flat_map(|place| [place.join("data"), place.join("../shared/data")]);
    DataContext {
        roots: own.into_iter().chain(usual).collect(),
    }
}

/// `a/b/..` is `a`, without asking the file system: a program may be moved away
/// from where it was built.
fn without_dots(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut path, component| {
            match component {
                Component::ParentDir => drop(path.pop()),
                Component::CurDir => {}
                other => path.push(other),
            }
            path
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_has_a_file_or_a_name() {
        let file = root().join("experiments/lrn.toml");
        assert_eq!(experiment(Path::new("lrn")), file);
        assert_eq!(experiment(&file), file);
        assert_eq!(experiment(Path::new("../a.toml")), Path::new("../a.toml"));
    }

    #[test]
    fn dots_are_taken_out() {
        assert_eq!(
            without_dots(Path::new("/a/b/../c/./d")),
            Path::new("/a/c/d")
        );
        assert_eq!(without_dots(&source().join("xtask/..")), source());
    }
}
