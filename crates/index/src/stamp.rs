//! Marks by which a changed file or folder is told without reading it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ablate_store::TrialFolder;

/// No mark: whatever it is of must be read again.
pub(crate) const NONE: i64 = 0;

/// What was changed this lately may change again within the same tick of the file
/// system's clock, so that its mark would not show it.
const SETTLED: Duration = Duration::from_secs(2);

/// The mark of a folder: which entries it has.
pub(crate) fn of_folder(path: &Path) -> i64 {
    fs::metadata(path).map_or(NONE, |metadata| of(&[Some(metadata)]))
}

/// The mark of a trial. One that is done keeps its files but for what is removed, so
/// its folder tells; the records of any other may be written in place.
pub(crate) fn of_trial(folder: &Path, is_done: bool) -> i64 {
    let own = fs::metadata(folder).ok();
    if is_done {
        return of(&[own]);
    }
    let records = TrialFolder::open(folder).record_files();
    let [record, metrics] = records.map(|path| fs::metadata(path).ok());
    of(&[own, record, metrics])
}

fn of(files: &[Option<Metadata>]) -> i64 {
    // FNV-1a: quick, and nobody forges a time.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut mix = |value: u128| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let now = SystemTime::now();
    for file in files {
        let Some(file) = file else {
            mix(0);
            continue;
        };
        let Ok(modified) = file.modified() else {
            return NONE;
        };
        // Also where the clock was set back: a time in the future settles nothing.
        if now.duration_since(modified).is_ok_and(|age| age >= SETTLED) {
            mix(match modified.duration_since(UNIX_EPOCH) {
                Ok(since) => since.as_nanos() + 1,
                // Before 1970: from the other end.
                Err(before) => u128::MAX - before.duration().as_nanos(),
            });
            mix(if file.is_dir() { 0 } else { file.len().into() });
        } else {
            return NONE;
        }
    }
    // The sign is of no use, and NONE is taken.
    (hash >> 1).max(1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    fn set(path: &Path, ago: u64) {
        let time = SystemTime::now() - Duration::from_secs(ago);
        let file = File::open(path).expect("open");
        file.set_times(FileTimes::new().set_modified(time))
            .expect("set");
    }

    #[test]
    fn a_mark_changes_with_the_files_and_waits_until_they_settle() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert_eq!(of_folder(folder), NONE, "changed just now");
        set(folder, 100);
        let before = of_folder(folder);
        assert_ne!(before, NONE);
        assert_eq!(of_folder(folder), before);
        set(folder, 50);
        assert_ne!(of_folder(folder), before);
        assert_eq!(of_folder(&folder.join("absent")), NONE);
        // Times before 1970 tell apart as others do.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let marks = [0, 100, 200].map(|before| {
            set(folder, since.as_secs() + before);
            of_folder(folder)
        });
        assert!(marks[0] != marks[1] && marks[1] != marks[2], "{marks:?}");

        // A record written in place shows where the trial may still change.
        let record = folder.join("trial.json");
        fs::write(&record, "{}").expect("write");
        set(&record, 100);
        set(folder, 100);
        let (done, other) = (of_trial(folder, true), of_trial(folder, false));
        set(&record, 50);
        assert_eq!(of_trial(folder, true), done);
        assert_ne!(of_trial(folder, false), other);
    }
}
