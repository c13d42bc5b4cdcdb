//! The script that each task of a job array runs.

use std::fs;
use std::path::PathBuf;

use ablate_core::{Error, Job, Result};

/// Writes the script and the list of the tasks' arguments beside it; returns the
/// script's path.
///
/// # Errors
/// They cannot be written, or an argument cannot be written in a shell script.
pub(super) fn write(job: &Job) -> Result<PathBuf> {
    let number = (0..)
        .find(|number| !job.folder.join(format!("{number}.sh")).exists())
        .unwrap_or(0);
    let tasks = job.folder.join(format!("{number}.tasks"));
    let script = job.folder.join(format!("{number}.sh"));
    let mut words = Vec::with_capacity(job.command.len());
    for word in &job.command {
        let word = word.to_str().ok_or_else(|| {
            Error::Other(format!(
                "`{}` is not UTF-8, which a job's script must be",
                word.to_string_lossy()
            ))
        })?;
        words.push(quoted(word));
    }
    let tasks_path = tasks.to_string_lossy();
    let text = format!(
        "#!/bin/sh\n\
         # A task of the array: the line of the list that has its number.\n\
         task=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {})\n\
         exec {} \"$task\"\n",
        quoted(&tasks_path),
        words.join(" ")
    );
    let unwritable = |path: &PathBuf, error: &std::io::Error| {
        Error::Other(format!("{}: {error}", path.display()))
    };
    fs::write(&tasks, job.tasks.join("\n") + "\n").map_err(|error| unwritable(&tasks, &error))?;
    fs::write(&script, text).map_err(|error| unwritable(&script, &error))?;
    Ok(script)
}

/// A word that a shell takes as it is.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
