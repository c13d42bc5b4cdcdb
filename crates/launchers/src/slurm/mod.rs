//! Slurm by its own commands: `sbatch`, `squeue` and `scancel`.

mod script;
mod states;

use std::process::{Command, Output};
use std::time::Duration;

#[doc(hidden)]
pub use states::read as states;

use ablate_core::{Error, Job, Launcher, LauncherConfig, Result, TaskState};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// How jobs are submitted to a Slurm cluster.
///
/// Each plan is one job array with a task for each trial. A task whose node fails, or
/// that is pre-empted, is requeued by Slurm and goes on from its last checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slurm {
    /// The partition; none given: the cluster's default.
    #[serde(deserialize_with = "word")]
    pub partition: Option<String>,
    /// The account that is charged.
    #[serde(deserialize_with = "word")]
    pub account: Option<String>,
    /// The quality of service.
    #[serde(deserialize_with = "word")]
    pub qos: Option<String>,
    /// The most time a task may take, as `sbatch --time` reads it: `90` minutes,
    /// `12:00:00`, `2-00:00:00`. A trial that needs more goes on in another task.
    #[serde(deserialize_with = "word")]
    pub time: Option<String>,
    /// Seconds before the end of its time at which a task is asked to save and stop, 1
    /// or more. Slurm looks every half minute, and may ask a minute sooner.
    pub notice_seconds: u16,
    /// Cores for each task; none given: `machine.threads` of the trials, and where
    /// that is 0 the cluster's default.
    pub cpus: Option<usize>,
    /// Memory for each task in MiB; none given: an estimate with a quarter to spare; 0:
    /// all of the node's.
    pub memory_mib: Option<u64>,
    /// Generic resources of each task; none given: `gpu:1` for trials on a GPU.
    #[serde(deserialize_with = "word")]
    pub gres: Option<String>,
    /// At most so many tasks at once; none given: as many as there is room for.
    pub at_once: Option<usize>,
    /// Seconds between two looks at the queue.
    pub poll_seconds: f64,
    /// More options of `sbatch`, each as one word: `--constraint=avx512`.
    pub options: Vec<String>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            qos: None,
            time: None,
            notice_seconds: 60,
            cpus: None,
            memory_mib: None,
            gres: None,
            at_once: None,
            poll_seconds: 5.0,
            options: Vec::new(),
        }
    }
}

impl LauncherConfig for Slurm {
    fn build(&self) -> Result<Box<dyn Launcher>> {
        if !(0.1..=3600.0).contains(&self.poll_seconds) {
            let problem =
                "the queue is to be looked at between ten times a second and once an hour";
            return Err(Error::bad_value(
                "poll_seconds",
                problem,
                "give seconds in 0.1..=3600",
            ));
        }
        if self.notice_seconds == 0 {
            return Err(Error::bad_value(
                "notice_seconds",
                "a task that is not asked cannot save",
                "give at least what a step and a checkpoint take",
            ));
        }
        if self.at_once == Some(0) {
            return Err(Error::bad_value(
                "at_once",
                "no task would ever run",
                "give 1 or more, or leave it out",
            ));
        }
        if let Some(option) = self.options.iter().find(|option| !option.starts_with('-')) {
            return Err(Error::bad_value(
                "options",
                format!("`{option}` is no option of sbatch"),
                "write each option as one word: `--constraint=avx512`",
            ));
        }
        Ok(Box::new(self.clone()))
    }
}

impl Launcher for Slurm {
    fn submit(&self, job: &Job) -> Result<String> {
        let script = script::write(job)?;
        let mut command = Command::new("sbatch");
        command.args(self.arguments(job)).arg(script);
        let output = answer(command)?;
        job_id(&output)
    }

    fn states(&self, id: &str) -> Result<Vec<(usize, TaskState)>> {
        let (mut command, number) = about("squeue", id)?;
        command.args(["--noheader", "--array", "--states=all", "--format=%K %T"]);
        command.arg(format!("--jobs={number}"));
        match answer(command) {
            Ok(text) => Ok(states(&text)),
            // Slurm forgets a job some minutes after its end.
            Err(error) if error.to_string().contains("Invalid job id") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn cancel(&self, id: &str, task: Option<usize>) -> Result<()> {
        let (mut command, number) = about("scancel", id)?;
        command.arg(match task {
            Some(task) => format!("{number}_{task}"),
            None => number.to_string(),
        });
        match answer(command) {
            Err(error) if !error.to_string().contains("Invalid job id") => Err(error),
            _ => Ok(()),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }
}

impl Slurm {
    /// What `sbatch` is told beside the script.
    fn arguments(&self, job: &Job) -> Vec<String> {
        let last = job.tasks.len().saturating_sub(1);
        let at_once = self
            .at_once
            .map_or(String::new(), |most| format!("%{most}"));
        let mut arguments = vec![
            "--parsable".to_string(),
            format!("--job-name=ablate_{}", job.name),
            format!("--array=0-{last}{at_once}"),
            format!("--chdir={}", job.directory.display()),
            format!("--output={}/%A_%a.log", job.folder.display()),
            "--open-mode=append".to_string(),
            // After a node's failure or a pre-emption the task begins again, and the
            // trial goes on from its checkpoint.
            "--requeue".to_string(),
            // Time to save between SIGTERM and the end of the time.
            format!("--signal=B:TERM@{}", self.notice_seconds),
        ];
        let needs = job.resources;
        let gpus = (needs.gpus > 0).then(|| format!("gpu:{}", needs.gpus));
        let threads = (needs.threads > 0).then_some(needs.threads);
        let memory = self.memory_mib.unwrap_or_else(|| roomy(needs.memory));
        let options = [
            ("partition", self.partition.clone()),
            ("account", self.account.clone()),
            ("qos", self.qos.clone()),
            ("time", self.time.clone()),
            (
                "cpus-per-task",
                self.cpus.or(threads).map(|count| count.to_string()),
            ),
            ("mem", Some(format!("{memory}M"))),
            ("gres", self.gres.clone().or(gpus)),
        ];
        for (name, value) in options {
            arguments.extend(value.map(|value| format!("--{name}={value}")));
        }
        arguments.extend(self.options.iter().cloned());
        arguments
    }
}

/// The id in what `sbatch --parsable` prints: a job's number, or `NUMBER;CLUSTER` where it
/// was submitted to another cluster than this machine's.
///
/// # Errors
/// It is neither.
#[doc(hidden)]
pub fn job_id(output: &str) -> Result<String> {
    let id = output.trim();
    match parts(id) {
        Some(_) => Ok(id.to_string()),
        None => Err(Error::Other(format!(
            "sbatch gave no job's number but `{id}`"
        ))),
    }
}

/// A job's number, and the cluster it is on if that is named. `None` for anything else,
/// such as an option.
fn parts(id: &str) -> Option<(&str, Option<&str>)> {
    let (number, cluster) = match id.split_once(';') {
        Some((number, cluster)) => (number, Some(cluster)),
        None => (id, None),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = |name: &str| !name.is_empty() && name.chars().all(of_name);
    (is_number && cluster.is_none_or(is_name)).then_some((number, cluster))
}

/// One of Slurm's commands for the cluster that has a job, and the job's number there.
///
/// # Errors
/// The id is none that `sbatch` gives: the file it was kept in has been changed.
fn about<'a>(program: &str, id: &'a str) -> Result<(Command, &'a str)> {
    let (number, cluster) = parts(id).ok_or_else(|| {
        Error::Other(format!(
            "`{id}` is no job of Slurm's\n  fix: see which jobs of this run there are with \
             `squeue`, and correct or remove its `launch/jobs.json`"
        ))
    })?;
    let mut command = Command::new(program);
    command.args(cluster.map(|cluster| format!("--clusters={cluster}")));
    Ok((command, number))
}

/// A key's text, which may be a number: an account, or minutes.
fn word<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Word {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Word>::deserialize(from)?.map(|word| match word {
        Word::Text(text) => text,
        Word::Number(number) => number.to_string(),
    }))
}

/// An estimate in bytes as MiB with a quarter to spare, and what any program takes.
fn roomy(bytes: u64) -> u64 {
    (bytes + bytes / 4).div_ceil(1 << 20) + 256
}

/// Runs one of Slurm's commands and returns what it prints.
///
/// # Errors
/// It is not installed, or fails.
fn answer(mut command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().map_err(|error| {
        Error::Other(format!(
            "`{name}` cannot be started: {error}\n  fix: run this on a machine of the cluster that \
             has Slurm's commands, or leave out `--launcher slurm`"
        ))
    })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&stderr);
    Err(Error::Other(format!(
        "{name} failed: {}\n  fix: correct the key of the launcher that it names; else see what \
         `{name}` says when it is called by hand",
        words.trim()
    )))
}

#[cfg(test)]
mod tests;
