//! What the index keeps of one trial, read from its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use ablate_core::EpochRecord;
use ablate_store::{Status, Trial, TrialFolder};
use serde_json::Value;

use crate::stamp;

/// The error that the table shows.
pub(crate) const ERROR: &str = "validation.top1_error";

/// One trial. A trial whose record does not read back has the status `damaged`.
pub(crate) struct Entry {
    pub name: String,
    pub variant: String,
    pub seed: i64,
    pub hash: String,
    pub status: &'static str,
    /// What there is to say of the status: an error, an epoch.
    pub detail: String,
    pub epochs: i64,
    pub budget: Option<i64>,
    pub parameters: i64,
    pub started: Option<i64>,
    pub ended: Option<i64>,
    pub bytes: i64,
    /// The leaves of its config by dotted key.
    pub config: BTreeMap<String, Value>,
    pub metrics: BTreeMap<String, Range>,
    pub stamp: i64,
}

/// A metric over the epochs that measured it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub last: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Entry {
    /// Reads the trial in `folder`; `None` where none has started there.
    pub fn read(folder: &Path) -> Option<Self> {
        let place = TrialFolder::open(folder);
        let name = folder.file_name()?.to_str()?.to_string();
        // Before the files: one that changes meanwhile has another mark afterwards.
        let marks = [false, true].map(|is_done| stamp::of_trial(folder, is_done));
        let mut entry = match place.record() {
            Ok(None) => return None,
            Ok(Some(trial)) => Self::of(name, &trial),
            Err(error) => Self::damaged(name, error.to_string()),
        };
        entry.stamp = marks[usize::from(is_done(entry.status))];
        entry.bytes = size(folder);
        if is_done(entry.status) || entry.status == "failed" {
            let [record, _] = place.record_files();
            let written = fs::metadata(record).and_then(|file| file.modified()).ok();
            let since = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            entry.ended = since.map(|since| since.as_secs().cast_signed());
        }
        Some(entry)
    }

    fn of(name: String, trial: &Trial) -> Self {
        let (status, detail) = status(&trial.status);
        // A group's config names its members by hash: nothing to search for.
        let config = match trial.members.is_empty() {
            true => ablate_store::leaves(&trial.config),
            false => BTreeMap::new(),
        };
        let budget = trial.config.pointer("/training/epochs");
        let started = trial.environment.as_ref().map(|e| e.started.cast_signed());
        Self {
            name,
            variant: trial.variant.clone(),
            seed: trial.seed.cast_signed(),
            hash: trial.hash.clone(),
            status,
            detail,
            epochs: trial.history.last().map_or(0, |last| count(last.epoch)),
            budget: budget.and_then(Value::as_i64),
            parameters: count(trial.parameters),
            started: started.filter(|started| *started > 0),
            ended: None,
            bytes: 0,
            config,
            metrics: metrics(&trial.history),
            stamp: stamp::NONE,
        }
    }

    fn damaged(name: String, problem: String) -> Self {
        // The folder's name is all there is to go by.
        let (variant, rest) = name.rsplit_once("-seed").unwrap_or((&name, ""));
        let (seed, hash) = rest.split_once('-').unwrap_or_default();
        Self {
            variant: variant.to_string(),
            seed: seed.parse().unwrap_or(0),
            hash: hash.to_string(),
            name,
            status: "damaged",
            detail: problem,
            epochs: 0,
            budget: None,
            parameters: 0,
            started: None,
            ended: None,
            bytes: 0,
            config: BTreeMap::new(),
            metrics: BTreeMap::new(),
            stamp: stamp::NONE,
        }
    }
}

/// Whether a trial of that status is not trained any more.
pub(crate) fn is_done(status: &str) -> bool {
    matches!(status, "finished" | "diverged")
}

fn status(status: &Status) -> (&'static str, String) {
    match status {
        Status::Unfinished => ("unfinished", String::new()),
        Status::Finished => ("finished", String::new()),
        Status::Diverged { epoch } => ("diverged", format!("in epoch {epoch}")),
        Status::Failed { message } => ("failed", message.clone()),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn metrics(history: &[EpochRecord]) -> BTreeMap<String, Range> {
    let mut found: BTreeMap<String, Range> = BTreeMap::new();
    let mut take = |name: String, value: f64| {
        let range = found.entry(name).or_insert(Range {
            last: value,
            least: value,
            greatest: value,
        });
        range.last = value;
        range.least = range.least.min(value);
        range.greatest = range.greatest.max(value);
    };
    for record in history {
        for (split, values) in [("train", &record.train), ("validation", &record.validation)] {
            for (metric, value) in values {
                take(format!("{split}.{metric}"), *value);
            }
        }
        // A group is not trained and has neither.
        if !record.train.is_empty() {
            take("learning_rate".to_string(), record.learning_rate);
            take("images_per_second".to_string(), record.images_per_second);
        }
    }
    found
}

/// Bytes of the folder's files. Folders within are none of ours.
fn size(folder: &Path) -> i64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| entry.metadata().ok());
    let bytes: u64 = files
        .filter(|file| file.is_file())
        .map(|file| file.len())
        .sum();
    bytes.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_their_range() {
        let record = |epoch, error: f64, evaluated: bool| EpochRecord {
            epoch,
            train: BTreeMap::from([("loss".to_string(), error)]),
            validation: match evaluated {
                true => BTreeMap::from([("top1_error".to_string(), error)]),
                false => BTreeMap::new(),
            },
            ..EpochRecord::default()
        };
        let found = metrics(&[
            record(1, 0.5, true),
            record(2, 0.2, true),
            record(3, 0.3, false),
        ]);
        let range = |last, least, greatest| Range {
            last,
            least,
            greatest,
        };
        assert_eq!(
            found[ERROR],
            range(0.2, 0.2, 0.5),
            "epochs without it are passed over"
        );
        assert_eq!(found["train.loss"], range(0.3, 0.2, 0.5));
    }
}
