//! When a run is killed, and what it was doing then.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::program::Program;
use crate::work::Work;

/// A moment to kill a run at.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after its start.
    After(Duration),
    /// When it is seen for the so-manieth time that a file is written aside.
    Aside(usize),
    /// When it is seen for the so-manieth time that the metrics of a trial have changed,
    /// which the checkpoint does not know of yet.
    Metrics(usize),
    /// When the log of the index is seen to change for the so-manieth time.
    Index(usize),
}

impl Moment {
    /// Half of them any time within `longest`, half of them in a window where
    /// something is half done.
    pub fn draw(rng: &mut ChaCha8Rng, longest: Duration) -> Self {
        match rng.random_range(0..6) {
            0 => Self::Aside(rng.random_range(1..12)),
            1 => Self::Metrics(rng.random_range(1..4)),
            2 => Self::Index(rng.random_range(1..4)),
            _ => Self::After(longest.mul_f64(rng.random())),
        }
    }
}

/// What a run was doing when it was killed, by the last thing it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doing {
    Starting,
    Training,
    Checkpointing,
    Evaluating,
    Indexing,
    Reporting,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Doing {
    fn by(said: &str, trials: usize) -> Self {
        // The last line that tells; what the index says of the last trial begins the report.
        let last = said.lines().rev().find_map(|line| {
            let is = |part: &str| line.contains(part);
            if is("taken down in the index") {
                let ended = said.matches("\"event\":\"ended\"").count();
                let kept = said.matches("\"event\":\"kept\"").count();
                return Some(match ended + kept == trials {
                    true => Self::Reporting,
                    false => Self::Training,
                });
            }
            match () {
                () if is("\"event\":\"started\"") || is("\"event\":\"ended\"") => {
                    Some(Self::Indexing)
                }
                () if is("evaluating") => Some(Self::Evaluating),
                () if is(": loss ") || is("images/s; training") => Some(Self::Checkpointing),
                () if is("checkpoint of step") => Some(Self::Training),
                () => None,
            }
        });
        last.unwrap_or(Self::Starting)
    }
}

/// Starts `work` and kills it at `moment`; what it was doing, or `None` where it ended
/// before that.
pub fn kill_at(program: &Program, work: Work, moment: Moment) -> Option<Doing> {
    let log = program.store().join("said.log");
    let file = File::create(&log).expect("a file");
    let arguments = [work.run(), vec!["--json"]].concat();
    let mut child = program
        .command(&arguments)
        .env("RUST_LOG", "ablate_runner=trace,xtask=debug")
        .stdout(Stdio::from(file.try_clone().expect("the file again")))
        .stderr(Stdio::from(file))
        .spawn()
        .expect("the program starts");
    let came = wait(program.store(), &mut child, moment);
    if came {
        child.kill().expect("killed");
    }
    let status = child.wait().expect("it ends");
    let said = fs::read_to_string(&log).expect("what it said");
    assert!(!said.contains("panicked"), "{said}");
    assert!(status.success() || status.code().is_none(), "{said}");
    (!status.success()).then(|| Doing::by(&said, work.trials()))
}

/// Waits for the moment; false where the run ends before.
fn wait(store: &Path, child: &mut Child, moment: Moment) -> bool {
    let begun = Instant::now();
    let (mut seen, mut before) = (0, mark(store, moment));
    loop {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        let count = match moment {
            Moment::After(time) if begun.elapsed() >= time => return true,
            Moment::After(_) => {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
            Moment::Aside(count) | Moment::Metrics(count) | Moment::Index(count) => count,
        };
        let now = mark(store, moment);
        // Of what is written aside, that something is there; of the log, that it changed.
        let is_new = now != before && !(matches!(moment, Moment::Aside(_)) && now.is_empty());
        seen += usize::from(is_new);
        before = now;
        if seen >= count {
            return true;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{moment:?} never came"
        );
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// What is watched for a moment.
fn mark(store: &Path, moment: Moment) -> Vec<String> {
    let size = |path: PathBuf| {
        let file = fs::metadata(&path).ok()?;
        Some(format!(
            "{} {} {:?}",
            path.display(),
            file.len(),
            file.modified().ok()?
        ))
    };
    match moment {
        Moment::After(_) => Vec::new(),
        Moment::Aside(_) => asides(store)
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        Moment::Metrics(_) => {
            let is_metrics = |path: &Path| path.ends_with("metrics.jsonl");
            files(store, is_metrics)
                .into_iter()
                .filter_map(size)
                .collect()
        }
        Moment::Index(_) => size(store.join("index.sqlite-wal")).into_iter().collect(),
    }
}

/// Every file of the store that is not whole yet, sorted.
pub fn asides(store: &Path) -> Vec<PathBuf> {
    files(store, |path| {
        path.extension().is_some_and(|ending| ending == "partial")
    })
}

fn files(store: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![store.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if is_wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
