//! The files in `configs/` that experiments share.

use std::path::Path;

use ablate_core::nearest;

use super::file::read_dict;
use super::layer::Layer;
use crate::{Error, Result};

/// The layers of the files that the list `key` of an experiment names.
///
/// # Errors
/// There is no such file (the nearest is suggested), or it is not TOML.
pub(super) fn layers(experiment: &Path, key: &str, names: &[String]) -> Result<Vec<Layer>> {
    // `experiments/x.toml` finds `configs/` beside its own folder.
    let folder = experiment
        .parent()
        .unwrap_or(Path::new("."))
        .join("..")
        .join("configs");
    names
        .iter()
        .map(|name| {
            let path = folder.join(format!("{name}.toml"));
            let shown = Path::new("configs").join(format!("{name}.toml"));
            if !path.exists() {
                let known: Vec<String> = std::fs::read_dir(&folder)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_string()))
                    .collect();
                return Err(Error::config(
                    experiment.display(),
                    key,
                    format!("there is no file {}", shown.display()),
                    nearest(name, known.iter().map(String::as_str)),
                ));
            }
            Ok(Layer::table(&shown, "", read_dict(&path)?))
        })
        .collect()
}
