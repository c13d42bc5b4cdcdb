//! Operators and networks against results that PyTorch computed, stored as
//! fixtures. Not here: how fast they are.
//!
//! A fixture is a `.safetensors` file that holds one operator or one network
//! with its inputs, outputs and gradients. Whatever is wrong with a fixture is
//! that fixture's failure; the others still run.

mod fill;
mod fixture;
mod network;
mod norm;
mod operator;
mod plugin;
mod score;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use fixture::Fixture;
use score::Score;

/// Runs every fixture below `folder`, prints a line for each and returns whether
/// there was one and all passed.
///
/// # Errors
/// The folder cannot be read.
pub fn run(folder: &Path) -> Result<bool> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    let names: Vec<_> = paths.iter().map(|path| name(folder, path)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut passed = 0;
    for (path, name) in paths.iter().zip(&names) {
        let line = match check_guarded(path) {
            Ok(score) => {
                passed += usize::from(score.passes());
                score.to_string()
            }
            Err(error) => format!("FAIL: {}", one_line(&error)),
        };
        println!("{name:width$}  {line}");
    }
    if paths.is_empty() {
        println!("no fixture (*.safetensors) below {}", folder.display());
        return Ok(false);
    }
    println!(
        "{passed} of {} pass; relative errors in the L2 norm",
        paths.len()
    );
    Ok(passed == paths.len())
}

/// The fixtures below a folder, or the one file given.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let unreadable = || format!("cannot read the folder {}", path.display());
    for entry in path.read_dir().with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let is_fixture = path
            .extension()
            .is_some_and(|extension| extension == "safetensors");
        if path.is_dir() || is_fixture {
            collect(&path, found)?;
        }
    }
    Ok(())
}

/// How a fixture is called: its path below the folder, without the extension.
fn name(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let below = if below.as_os_str().is_empty() {
        path
    } else {
        below
    };
    below.with_extension("").display().to_string()
}

/// An error and its causes without line breaks, nor the stack trace that candle
/// appends where `RUST_BACKTRACE` is set.
fn one_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let lines = text.lines().map(str::trim);
    let reasons = lines.take_while(|line| !line.starts_with("0: "));
    reasons.collect::<Vec<_>>().join("; ")
}

/// [`check`], where a panic over an unforeseen fixture is that fixture's failure.
fn check_guarded(path: &Path) -> Result<Score> {
    catch_unwind(AssertUnwindSafe(|| check(path))).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref().copied());
        Err(anyhow!(
            "a kernel gave up: {}",
            message.unwrap_or("no reason given")
        ))
    })
}

/// What comes of one fixture.
///
/// # Errors
/// It cannot be read, or is of nothing that there is.
pub fn check(path: &Path) -> Result<Score> {
    let fixture = Fixture::open(path)?;
    match fixture.has("op") {
        true => operator::check(&fixture),
        false => network::check(&fixture),
    }
}
