//! A launcher that runs each task as a process of this machine, all at once. A run that
//! comes later finds them by their numbers, which it writes down.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ablate_core::{Error, Job, Launcher, LauncherConfig, Result, TaskState, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How tasks run as processes.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Processes {
    /// A program to run in place of the job's.
    program: Option<String>,
}

impl LauncherConfig for Processes {
    fn build(&self) -> Result<Box<dyn Launcher>> {
        Ok(Box::new(Here {
            program: self.program.clone(),
            children: Mutex::default(),
        }))
    }
}

struct Here {
    program: Option<String>,
    /// Those that this process began, which it must ask how they ended.
    children: Mutex<Vec<Child>>,
}

impl Launcher for Here {
    fn submit(&self, job: &Job) -> Result<String> {
        let free = |number: &usize| !job.folder.join(format!("{number}.pids")).exists();
        let number = (0..).find(free).unwrap_or(0);
        let mut numbers = String::new();
        let mut words = job.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let program = self.program.clone().map_or(program, Into::into);
        for (place, task) in job.tasks.iter().enumerate() {
            let printed = job.folder.join(format!("{number}_{place}.log"));
            let file = fs::File::create(&printed).map_err(Error::io(&printed))?;
            let errors = file.try_clone().map_err(Error::io(&printed))?;
            let child = Command::new(&program)
                .args(words.clone())
                .arg(task)
                .current_dir(&job.directory)
                .stdin(Stdio::null())
                .stdout(file)
                .stderr(errors)
                .spawn()
                .map_err(|error| Error::Other(format!("a task cannot begin: {error}")))?;
            numbers += &format!("{}\n", child.id());
            let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
            children.push(child);
        }
        let list = job.folder.join(format!("{number}.pids"));
        fs::write(&list, numbers).map_err(Error::io(&list))?;
        Ok(list.to_string_lossy().into_owned())
    }

    fn states(&self, id: &str) -> Result<Vec<(usize, TaskState)>> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let runs =
            |(place, number): (usize, u32)| is_alive(number).then_some((place, TaskState::Running));
        Ok(numbers(id)?
            .into_iter()
            .enumerate()
            .filter_map(runs)
            .collect())
    }

    fn cancel(&self, id: &str, task: Option<usize>) -> Result<()> {
        for (place, number) in numbers(id)?.into_iter().enumerate() {
            if task.is_none_or(|task| task == place) {
                // One that has ended needs no signal.
                let _ = Command::new("kill").arg(number.to_string()).output();
            }
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(50)
    }
}

/// The processes of a job.
fn numbers(id: &str) -> Result<Vec<u32>> {
    let list = PathBuf::from(id);
    let text = fs::read_to_string(&list).map_err(Error::io(&list))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Whether a process runs; one that has ended and that nobody asked about does not.
fn is_alive(number: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{number}/stat"));
    // `12345 (name) S ...`
    status
        .is_ok_and(|text| !matches!(text.rsplit(") ").next(), Some(rest) if rest.starts_with('Z')))
}

register!(
    launcher,
    "processes",
    Processes,
    "each task a process of this machine"
);
