//! `test`: everything continuous integration runs.

use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::workspace;

/// What `test` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask test
  cargo xtask test --tests-only")]
pub struct Arguments {
    /// Only the tests: no format, lint or documentation checks.
    #[arg(long)]
    tests_only: bool,
}

/// The checks in order; the quick ones first.
const CHECKS: [(&str, &[&str]); 3] = [
    ("format", &["fmt", "--all", "--check"]),
    (
        "lints",
        &[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    ),
    (
        "documentation",
        &["doc", "--release", "--workspace", "--no-deps"],
    ),
];

/// Runs the checks; the first that fails ends it.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let tests: (&str, &[&str]) = ("tests", &["test", "--release", "--workspace"]);
    let checks = if arguments.tests_only {
        &[]
    } else {
        CHECKS.as_slice()
    };
    for (name, command) in checks.iter().chain([&tests]) {
        println!("-- {name}: cargo {}", command.join(" "));
        let status = Command::new(env!("CARGO"))
            .args(*command)
            .env("RUSTDOCFLAGS", "-D warnings")
            .current_dir(workspace::root())
            .status()
            .with_context(|| format!("cargo {} cannot be started", command.join(" ")))?;
        if !status.success() {
            eprintln!("error: {name} failed: cargo {}", command.join(" "));
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("-- all checks passed");
    Ok(ExitCode::SUCCESS)
}
