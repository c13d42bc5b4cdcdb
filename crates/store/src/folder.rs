//! Where experiments and trials lie, and how they are read and written.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ablate_core::{EpochRecord, FileLock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::outputs::{self, Contents, Outputs};
use crate::{Environment, Error, Experiment, Result, Status, Trial, atomic};

const EXPERIMENT: &str = "experiment.json";
const TRIAL: &str = "trial.json";
const ENVIRONMENT: &str = "environment.json";
const METRICS: &str = "metrics.jsonl";
/// The folder within an experiment's that the trials of its search are in.
pub const SEARCH: &str = "search";
pub(crate) const LOCK: &str = ".lock";
/// How long a lock may be taken before it counts as another process's: a listing
/// holds it for a moment to see whether it is.
const PATIENCE: Duration = Duration::from_millis(80);

/// The folder of one experiment under one profile.
#[derive(Clone, Debug)]
pub struct ExperimentFolder {
    path: PathBuf,
}

impl ExperimentFolder {
    /// `STORE/NAME/PROFILE`, created if need be.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn create(store: &Path, experiment: &Experiment) -> Result<Self> {
        let folder = Self::locate(store, experiment, false);
        atomic::create_folder(&folder.path)?;
        write_json(&folder.path.join(EXPERIMENT), experiment)?;
        Ok(folder)
    }

    /// `STORE/NAME/PROFILE/search`, the folder of the trials that a search runs
    /// before the experiment's own; created if need be.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn search(store: &Path, experiment: &Experiment) -> Result<Self> {
        let folder = Self::locate(store, experiment, true);
        atomic::create_folder(&folder.path)?;
        Ok(folder)
    }

    /// Where the trials of an experiment, or of its search, lie. Creates nothing.
    pub fn locate(store: &Path, experiment: &Experiment, is_search: bool) -> Self {
        let mut path = store.join(&experiment.name).join(&experiment.profile);
        if is_search {
            path.push(SEARCH);
        }
        Self { path }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for a trial, created if need be.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn trial(&self, variant: &str, seed: u64, hash: &str) -> Result<TrialFolder> {
        let trial = self.at(variant, seed, hash);
        atomic::create_folder(&trial.path)?;
        Ok(trial)
    }

    /// The folder for a trial, to read it: it need not be there, and is not made.
    pub fn at(&self, variant: &str, seed: u64, hash: &str) -> TrialFolder {
        TrialFolder::open(self.path.join(trial_name(variant, seed, hash)))
    }
}

/// The name of a trial's folder: `relu-seed0-1a2b3c4d`.
pub fn trial_name(variant: &str, seed: u64, hash: &str) -> String {
    let short = hash.get(..8).unwrap_or(hash);
    format!("{variant}-seed{seed}-{short}")
}

/// The folder of one trial.
#[derive(Clone, Debug)]
pub struct TrialFolder {
    path: PathBuf,
}

/// Held while a trial trains, so that two processes never share a folder.
#[derive(Debug)]
pub struct TrialLock {
    _file: FileLock,
}

impl TrialFolder {
    /// A trial's folder by its path.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that say how the trial stands: its record and its metrics.
    pub fn record_files(&self) -> [PathBuf; 2] {
        [TRIAL, METRICS].map(|name| self.path.join(name))
    }

    /// Claims the trial for this process.
    ///
    /// # Errors
    /// Another process has it.
    pub fn lock(&self) -> Result<TrialLock> {
        let path = self.path.join(LOCK);
        match FileLock::claim(&path, PATIENCE) {
            Ok(file) => Ok(TrialLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy {
                path: self.path.clone(),
            }),
            Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
        }
    }

    /// Whether some process has claimed the trial now; where the system cannot
    /// tell, none has. Writes nothing.
    pub fn is_locked(&self) -> bool {
        FileLock::is_held(&self.path.join(LOCK))
    }

    /// The stored trial, or `None` where it never started.
    ///
    /// # Errors
    /// The record or, of a finished trial, the file of its outputs is damaged.
    pub fn read(&self) -> Result<Option<Trial>> {
        let mut trial = self.record()?;
        if let Some(trial) = &mut trial
            && trial.status == Status::Finished
        {
            trial.outputs = self.outputs()?;
        }
        Ok(trial)
    }

    /// As [`read`](Self::read), but for what the model says: only the small files.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn record(&self) -> Result<Option<Trial>> {
        let path = self.path.join(TRIAL);
        if !path.exists() {
            return Ok(None);
        }
        let mut trial: Trial = read_json(&path)?;
        trial.history = self.history()?;
        trial.environment = self.environment()?;
        Ok(Some(trial))
    }

    /// What the trial last ran on; `None` where it was not written down.
    ///
    /// # Errors
    /// The file is damaged.
    fn environment(&self) -> Result<Option<Environment>> {
        let path = self.path.join(ENVIRONMENT);
        match path.exists() {
            true => read_json(&path).map(Some),
            false => Ok(None),
        }
    }

    /// Stores what the trial runs on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_environment(&self, environment: &Environment) -> Result<()> {
        write_json(&self.path.join(ENVIRONMENT), environment)
    }

    /// What the finished model says; `None` where no such file was written.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn outputs(&self) -> Result<Option<Outputs>> {
        Outputs::open(&self.path.join(outputs::FILE))
    }

    /// Stores what the finished model says.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_outputs(&self, contents: &Contents) -> Result<()> {
        let path = self.path.join(outputs::FILE);
        atomic::write(&path, &contents.to_bytes(&path)?)
    }

    /// Stores everything about a trial but its history.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, trial: &Trial) -> Result<()> {
        let head = Trial {
            history: Vec::new(),
            ..trial.clone()
        };
        write_json(&self.path.join(TRIAL), &head)
    }

    /// Replaces one file in the folder in one step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        atomic::write(&self.path.join(name), bytes)
    }

    /// Adds one finished epoch to the metrics.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&self, record: &EpochRecord) -> Result<()> {
        let path = self.path.join(METRICS);
        let mut line = to_json(&path, record, serde_json::to_vec)?;
        line.push(b'\n');
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| {
                file.write_all(&line)?;
                file.sync_data()
            })
            .map_err(Error::io(&path))
    }

    /// Makes the metrics exactly `history`: what a checkpoint knows of.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rewrite_history(&self, history: &[EpochRecord]) -> Result<()> {
        let path = self.path.join(METRICS);
        let mut text = Vec::new();
        for record in history {
            text.extend(to_json(&path, record, serde_json::to_vec)?);
            text.push(b'\n');
        }
        atomic::write(&path, &text)
    }

    /// The finished epochs. A last line that was cut off is not one.
    ///
    /// # Errors
    /// A whole line does not read back.
    pub fn history(&self) -> Result<Vec<EpochRecord>> {
        let path = self.path.join(METRICS);
        let text = match fs::read(&path) {
            // Bytes, since a cut may fall within a character.
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&path)(error)),
        };
        let (text, is_whole) = match text.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (&text[..], false),
        };
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let mut history = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate() {
            match serde_json::from_slice(line) {
                Ok(record) => history.push(record),
                Err(_) if index + 1 == lines.len() && !is_whole => {}
                Err(error) => {
                    return Err(Error::Damaged {
                        path,
                        problem: format!("line {}: {error}", index + 1),
                        fix: "remove the trial's folder to train it from the start".to_string(),
                    });
                }
            }
        }
        Ok(history)
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    atomic::write(path, &to_json(path, value, serde_json::to_vec_pretty)?)
}

fn to_json<T: Serialize>(
    path: &Path,
    value: &T,
    write: impl FnOnce(&T) -> serde_json::Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    write(value).map_err(|error| Error::Damaged {
        path: path.to_path_buf(),
        problem: format!("cannot be written as JSON: {error}"),
        fix: "report this as a bug".to_string(),
    })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).map_err(Error::io(path))?;
    serde_json::from_slice(&text).map_err(|error| Error::Damaged {
        path: path.to_path_buf(),
        problem: error.to_string(),
        fix: "remove the trial's folder to train it from the start".to_string(),
    })
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
