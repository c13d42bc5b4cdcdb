//! Child processes that measure, and the lines they print.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Implementation;
use super::case::Case;
use super::measure::{Limits, Measured};

/// How children are started.
pub struct Children {
    /// Threads each may use.
    pub threads: usize,
    pub limits: Limits,
    pub quick: bool,
    /// A Python that has PyTorch.
    pub torch: Option<PathBuf>,
}

impl Children {
    /// Lets one implementation measure some cases in a process of their own.
    ///
    /// # Errors
    /// The process cannot be started, fails, or prints something else.
    pub fn measure(
        &self,
        cases: &[Case],
        by: Implementation,
        mut each: impl FnMut(Measured),
    ) -> Result<()> {
        let Some(mut command) = self.command(cases, by)? else {
            return Ok(());
        };
        let program = command.get_program().display().to_string();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = child.stdout.take().context("a child without an output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            let measured: Measured = serde_json::from_str(&line)
                .with_context(|| format!("{program} printed `{line}`, not a measurement"))?;
            if let Some(seconds) = measured.seconds_median {
                let (name, pass) = (&measured.name, measured.pass.name());
                eprintln!("{by:?}: {name}, {pass}: {:.2} ms", 1e3 * seconds);
            }
            each(measured);
        }
        let status = child.wait()?;
        ensure!(
            status.success(),
            "{program} failed ({status}) while measuring {by:?}"
        );
        Ok(())
    }

    fn command(&self, cases: &[Case], by: Implementation) -> Result<Option<Command>> {
        let cases = serde_json::to_string(cases)?;
        let repeats = self.limits.repeats.to_string();
        let mut command = match (by, &self.torch) {
            (Implementation::Torch, None) => return Ok(None),
            (Implementation::Torch, Some(python)) => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/torch_bench.py");
                let mut command = Command::new(python);
                command.args([script, "--threads", &self.threads.to_string()]);
                command.args(["--repeats", &repeats, "--cases", &cases]);
                command.args(["--seconds", &self.limits.seconds.to_string()]);
                command
            }
            _ => {
                let by = match by {
                    Implementation::Ours => "ours",
                    _ => "stock",
                };
                let mut command = Command::new(std::env::current_exe()?);
                command.args([
                    "bench",
                    "--by",
                    by,
                    "--measure",
                    &cases,
                    "--repeats",
                    &repeats,
                ]);
                command.args(self.quick.then_some("--quick"));
                command
            }
        };
        command.env("RAYON_NUM_THREADS", self.threads.to_string());
        Ok(Some(command))
    }
}
