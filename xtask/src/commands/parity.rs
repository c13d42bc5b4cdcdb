//! `parity`: operators and networks against reference fixtures.

use std::path::Path;
use std::process::ExitCode;

/// Runs every fixture below `folder`.
pub fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    let passed = crate::parity::run(folder)?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
