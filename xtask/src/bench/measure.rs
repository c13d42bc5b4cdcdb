//! Running something a few times, and the line that says how long it took.

use std::time::Instant;

use ablate_core::Precision;
use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::case::{Case, Pass};

/// How long a case is measured.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most runs.
    pub repeats: usize,
    /// Seconds after which no further run is started.
    pub seconds: f64,
}

impl Limits {
    pub fn new(repeats: usize, quick: bool) -> Self {
        match quick {
            true => Self {
                repeats: repeats.clamp(1, 3),
                seconds: 2.0,
            },
            false => Self {
                repeats: repeats.max(1),
                seconds: 30.0,
            },
        }
    }

    /// The seconds of each run, after a first one that does not count.
    ///
    /// # Errors
    /// What `run` raises.
    pub fn time(&self, mut run: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
        run()?;
        let start = Instant::now();
        let mut times = Vec::new();
        while times.is_empty()
            || times.len() < self.repeats && start.elapsed().as_secs_f64() < self.seconds
        {
            let before = Instant::now();
            run()?;
            times.push(before.elapsed().as_secs_f64());
        }
        Ok(times)
    }
}

/// The fastest, the median and the slowest of some runs, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
    pub runs: usize,
}

impl Spread {
    /// Of no runs at all it is NaN.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
        let last = times.len().saturating_sub(1);
        Self {
            min: at(0),
            median: (at(last / 2) + at(times.len() / 2)) / 2.0,
            max: at(last),
            runs: times.len(),
        }
    }
}

/// One implementation's time for one case; a line of a child's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The case's name.
    pub name: String,
    /// The case's pass.
    pub pass: Pass,
    /// The case's precision.
    pub precision: Precision,
    /// How long it took.
    #[serde(default)]
    pub seconds: Option<Spread>,
    /// The most memory the process had until then.
    #[serde(default)]
    pub peak_rss_mib: Option<f64>,
    /// Why there is no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Name and version of the program that ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The line for a case, whether it could be run or not.
///
/// # Errors
/// It cannot be written as JSON.
pub fn line(case: &Case, times: Result<Vec<f64>>) -> Result<String> {
    let mut measured = Measured {
        name: case.name.clone(),
        pass: case.pass,
        precision: case.precision,
        seconds: None,
        peak_rss_mib: peak_rss_mib(),
        missing: None,
        version: None,
    };
    match times {
        Ok(times) => measured.seconds = Some(Spread::of(times)),
        Err(error) => measured.missing = Some(error.to_string()),
    }
    Ok(serde_json::to_string(&measured)?)
}

/// The most memory this process has had, where the system says.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024.0)
}
