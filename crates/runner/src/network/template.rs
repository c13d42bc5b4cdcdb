//! Where a network can be found, and what is known of it but its weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ablate_core::{DataContext, registry};
use ablate_store::{Status, Trial, TrialFolder, checkpoint};
use candle_core::Tensor;

use super::file::{File, Metadata};
use super::name_of;
use crate::config::{Layer, NetworkConfig};
use crate::progress::MODEL;
use crate::{Error, Pipeline, Result, weights};

/// A network without its weights.
pub(super) struct Template {
    pub config: NetworkConfig,
    /// Where it comes from, in words.
    pub origin: String,
    pub classes: Vec<String>,
    pub pipeline: Pipeline,
}

/// A place that has a network, or a description of one.
pub(super) enum Source {
    /// A trial, and the checkpoint file the user named, if any.
    Trial {
        folder: PathBuf,
        trial: Box<Trial>,
        checkpoint: Option<PathBuf>,
    },
    /// A file that says what it is.
    File { file: File, metadata: Box<Metadata> },
    /// A config, without weights.
    Config(PathBuf),
}

impl Source {
    /// Looks at a path.
    ///
    /// # Errors
    /// There is nothing of the kind.
    pub fn of(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(wrong(path, "there is no such file or folder", WHAT));
        }
        if path.is_dir() {
            return Self::trial(path, None);
        }
        if path.extension().is_some_and(|ending| ending == "toml") {
            return Ok(Self::Config(path.to_path_buf()));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_in_trial = folder.join("trial.json").exists();
        let read = File::read(path).and_then(|file| Ok((file.metadata()?, file)));
        match read {
            Ok((Some(metadata), file)) => Ok(Self::File {
                file,
                metadata: Box::new(metadata),
            }),
            // A checkpoint, which the index of its folder knows to be whole or not.
            Ok((None, _)) | Err(_) if is_in_trial => Self::trial(folder, Some(path)),
            Ok((None, _)) => Err(wrong(
                path,
                "it does not say which network its tensors are of",
                "`cargo xtask import` gives it a config",
            )),
            Err(error) => Err(error),
        }
    }

    fn trial(folder: &Path, checkpoint: Option<&Path>) -> Result<Self> {
        let Some(trial) = TrialFolder::open(folder).read()? else {
            return Err(wrong(folder, "no trial is stored here", &elsewhere(folder)));
        };
        if !trial.members.is_empty() {
            let problem = "it averages other trials and has no weights of its own";
            return Err(wrong(folder, problem, "name the folder of one of them"));
        }
        // Who names a checkpoint wants that state, whatever came of the trial.
        let ended = match (&trial.status, checkpoint) {
            (Status::Finished, _) | (_, Some(_)) => None,
            (Status::Unfinished, _) => Some("the trial is not finished".to_string()),
            (Status::Diverged { epoch }, _) => Some(format!("the trial diverged in epoch {epoch}")),
            (Status::Failed { message }, _) => Some(format!("the trial failed: {message}")),
        };
        if let Some(problem) = ended {
            let fix = "run its experiment to the end, or name a checkpoint file in the folder";
            return Err(wrong(folder, &problem, fix));
        }
        Ok(Self::Trial {
            folder: folder.to_path_buf(),
            trial: Box::new(trial),
            checkpoint: checkpoint.map(Path::to_path_buf),
        })
    }

    /// The tensors, by the names the model gives them.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    pub fn weights(&self) -> Result<HashMap<String, Tensor>> {
        let (folder, named) = match self {
            Self::File { file, .. } => return file.tensors(),
            Self::Config(path) => {
                return Err(wrong(path, "a config has no weights", WHAT));
            }
            Self::Trial {
                folder, checkpoint, ..
            } => (folder, checkpoint),
        };
        let bytes = match named {
            Some(path) => checkpoint::read_file(path)?,
            None => {
                let newest = checkpoint::load(folder)?.checkpoint;
                let missing = || wrong(folder, "the trial has no checkpoint", "run it again");
                newest.ok_or_else(missing)?.tensors
            }
        };
        let path = named.as_ref().unwrap_or(folder);
        let tensors = weights::read(&bytes)
            .map_err(|problem| wrong(path, &problem, "name another checkpoint"))?;
        let model = tensors.into_iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(MODEL)?.to_string();
            Some((name, tensor))
        });
        Ok(model.collect())
    }

    /// All but the weights, with `settings` over its config.
    ///
    /// # Errors
    /// A key is wrong; or the data that a trial or a config names is missing.
    pub fn template(self, settings: &[Layer], cx: &DataContext) -> Result<Template> {
        let (path, config, origin, kept) = match self {
            Self::File { file, metadata } => return metadata.template(&file, settings),
            Self::Config(path) => {
                let origin = format!("the config {}", name_of(&path));
                (path.clone(), Layer::file(&path)?, origin, None)
            }
            Self::Trial { folder, trial, .. } => {
                let config = Layer::json(
                    folder.join("trial.json").display().to_string(),
                    &trial.config,
                )?;
                let (variant, seed, hash) = (&trial.variant, trial.seed, &trial.hash);
                let origin = format!("the trial {variant}, seed {seed}, {hash}");
                (folder, config, origin, trial.outputs)
            }
        };
        let layers = [&[config], settings].concat();
        let config = NetworkConfig::read(&layers)?;
        let data =
            registry::dataset(&config.data.name, &config.data.config, cx).map_err(|error| {
                Error::Other(format!(
                    "{}: the network's images and their mean are those of its data set, which does \
                 not open:\n  {error}\n  or: name a file that `cargo xtask export` made where the \
                 data is; it needs none",
                    path.display()
                ))
            })?;
        let classes = match kept {
            Some(outputs) => outputs.classes().to_vec(),
            None => data.info().classes.clone(),
        };
        if classes != data.info().classes {
            let problem = "its classes are no longer those of its data set";
            return Err(wrong(&path, problem, "put back the data it was trained on"));
        }
        let pipeline = Pipeline::build(&config.augmentation, data.as_ref())?;
        Ok(Template {
            config,
            origin,
            classes,
            pipeline,
        })
    }
}

const WHAT: &str = "name a trial's folder in the run store, \
                    runs/EXPERIMENT/PROFILE/VARIANT-seedN-HASH, one of its checkpoint files, or a \
                    file that `cargo xtask export` or `import` wrote";

/// The trials in a folder's folders, as advice.
fn elsewhere(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut trials: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("trial.json").exists())
        .collect();
    trials.sort();
    match trials.first() {
        Some(first) => format!(
            "name one of the {} trials in it, such as {}",
            trials.len(),
            first.display()
        ),
        None => WHAT.to_string(),
    }
}

fn wrong(path: &Path, problem: &str, fix: &str) -> Error {
    Error::File {
        path: path.to_path_buf(),
        problem: problem.to_string(),
        fix: fix.to_string(),
    }
}
