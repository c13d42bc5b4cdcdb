//! Child processes that measure, and the lines they print.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use super::Implementation;
use super::case::{Case, precision_name};
use super::measure::{Limits, Measured};
use super::network::Network;
use super::parts::Parts;

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
    /// Lets one implementation measure those of the cases that it can have, in a
    /// process of their own.
    ///
    /// # Errors
    /// The process cannot be started, fails, or prints something else.
    pub fn measure(
        &self,
        cases: &[Case],
        by: Implementation,
        mut each: impl FnMut(Measured),
    ) -> Result<()> {
        let cases: Vec<_> = cases.iter().filter(|case| by.knows(case)).collect();
        let cases = match cases.is_empty() {
            true => return Ok(()),
            false => serde_json::to_string(&cases)?,
        };
        let command = match (by, &self.torch) {
            (Implementation::Torch, None) => return Ok(()),
            (Implementation::Torch, Some(python)) => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/torch_bench.py");
                let mut command = Command::new(python);
                command.args([script, "--threads", &self.threads.to_string()]);
                command.args(["--repeats", &self.limits.repeats.to_string()]);
                command.args(["--seconds", &self.limits.seconds.to_string()]);
                command.args(["--cases", &cases]);
                command
            }
            (Implementation::Ours, _) => self.own(&["--by", "ours", "--measure", &cases])?,
            (Implementation::Stock, _) => self.own(&["--by", "stock", "--measure", &cases])?,
        };
        self.lines(command, |measured: Measured| {
            if let Some(seconds) = measured.seconds {
                let (name, pass) = (&measured.name, measured.pass.name());
                let precision = precision_name(measured.precision);
                let milliseconds = 1e3 * seconds.median;
                eprintln!("{by:?}: {name}, {pass}, {precision}: {milliseconds:.2} ms");
            }
            each(measured);
        })
    }

    /// The parts of a training step in each precision, measured in a process of
    /// its own.
    ///
    /// # Errors
    /// As for [`measure`](Self::measure).
    pub fn parts(&self, network: Network) -> Result<Vec<Parts>> {
        eprintln!("Ours: layers of {}", network.name());
        let mut parts = Vec::new();
        let command = self.own(&["--layers", network.name(), "--lines"])?;
        self.lines(command, |line| parts.push(line))?;
        Ok(parts)
    }

    /// This program as a child.
    fn own(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bench").args(arguments);
        command.args(["--repeats", &self.limits.repeats.to_string()]);
        command.args(self.quick.then_some("--quick"));
        Ok(command)
    }

    /// Runs a child that prints JSON lines.
    fn lines<T: DeserializeOwned>(
        &self,
        mut command: Command,
        mut each: impl FnMut(T),
    ) -> Result<()> {
        let program = command.get_program().display().to_string();
        command.env("RAYON_NUM_THREADS", self.threads.to_string());
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = child.stdout.take().context("a child without an output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            let value = serde_json::from_str(&line)
                .with_context(|| format!("{program} printed `{line}`, not a measurement"))?;
            each(value);
        }
        let status = child.wait()?;
        ensure!(status.success(), "{program} failed ({status})");
        Ok(())
    }
}
