//! All measurements of one run, side by side.

use ablate_runner::Environment;
use serde::Serialize;

use super::Implementation;
use super::case::{Case, GEMM, Pass};
use super::measure::Measured;

/// The load from which on figures are not to be compared.
pub const BUSY: f64 = 0.5;

/// Everything that was measured, and on what.
#[derive(Serialize)]
pub struct Results {
    /// The machine and this program.
    pub environment: Environment,
    /// Threads each implementation may use.
    pub threads: usize,
    /// Whether this was but a trial of the benchmark itself.
    pub quick: bool,
    /// Processes that wanted a processor in the minute before it began.
    pub load: Option<f64>,
    /// The rows, in the order of the cases.
    pub rows: Vec<Row>,
}

/// One case and what each implementation took for it.
#[derive(Serialize)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// This workspace.
    pub ours: Option<Measured>,
    /// candle's own operations.
    pub stock: Option<Measured>,
    /// PyTorch.
    pub torch: Option<Measured>,
}

impl Results {
    pub fn new(threads: usize, quick: bool) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let load = load.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Self {
            environment: Environment::capture(),
            threads,
            quick,
            load,
            rows: Vec::new(),
        }
    }

    /// Files a measurement of one of `cases`.
    pub fn add(&mut self, cases: &[Case], by: Implementation, measured: Measured) {
        let is_it = |case: &Case| case.name == measured.name && case.pass == measured.pass;
        let index = match self.rows.iter().position(|row| is_it(&row.case)) {
            Some(index) => index,
            None => {
                let Some(case) = cases.iter().find(|case| is_it(case)) else {
                    return;
                };
                self.rows.push(Row {
                    case: case.clone(),
                    ours: None,
                    stock: None,
                    torch: None,
                });
                self.rows.len() - 1
            }
        };
        let row = &mut self.rows[index];
        match by {
            Implementation::Ours => row.ours = Some(measured),
            Implementation::Stock => row.stock = Some(measured),
            Implementation::Torch => row.torch = Some(measured),
        }
    }

    /// Multiply-adds a second of the fastest matrix product any implementation
    /// did: what an operator could at best reach.
    pub fn roof(&self) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.case.name == GEMM)?;
        let all = [&row.ours, &row.stock, &row.torch];
        let seconds = all.into_iter().filter_map(seconds).min_by(f64::total_cmp)?;
        Some(row.case.multiply_adds() / seconds)
    }

    /// The version of PyTorch.
    pub fn torch_version(&self) -> Option<&str> {
        let mut rows = self.rows.iter();
        rows.find_map(|row| row.torch.as_ref()?.version.as_deref())
    }
}

impl Row {
    /// How many times as fast as PyTorch ours (or stock candle) is.
    pub fn speed(&self, of: &Option<Measured>) -> Option<f64> {
        Some(seconds(&self.torch)? / seconds(of)?)
    }

    /// Whether this is a network and not an operator.
    pub fn is_network(&self) -> bool {
        self.case.plugin().is_some()
    }

    /// What plots and tables call it.
    pub fn label(&self) -> String {
        match self.case.pass {
            Pass::Forward => format!("{}, forward", self.case.name),
            pass => format!("{}, {}", self.case.name, pass.name()),
        }
    }
}

/// The median run.
pub fn seconds(measured: &Option<Measured>) -> Option<f64> {
    measured.as_ref()?.seconds_median
}
