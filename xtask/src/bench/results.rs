//! All measurements of one run, side by side.

use ablate_core::Precision;
use ablate_runner::environment;
use ablate_store::Environment;
use serde::Serialize;

use super::Implementation;
use super::case::Case;
use super::measure::{Measured, Spread};
use super::parts::Parts;

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
    /// Where a training step of ours spends its time, by precision.
    pub parts: Vec<Parts>,
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
            environment: environment::capture(),
            threads,
            quick,
            load,
            rows: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Files a measurement of one of `cases`.
    pub fn add(&mut self, cases: &[Case], by: Implementation, measured: Measured) {
        let known = |row: &Row| row.case.is_of(&measured);
        let index = match self.rows.iter().position(known) {
            Some(index) => index,
            None => {
                let Some(case) = cases.iter().find(|case| case.is_of(&measured)) else {
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

    /// Multiply-adds a second of the fastest matrix product that any
    /// implementation did in any process: what layers could at best reach.
    pub fn roof(&self, precision: Precision) -> Option<f64> {
        let products = self
            .rows
            .iter()
            .filter(|row| row.case.is_gemm() && row.case.precision == precision);
        let products = products.flat_map(|row| {
            let all = [&row.ours, &row.stock, &row.torch].into_iter();
            all.filter_map(|measured| Some(row.case.multiply_adds() / seconds(measured)?.min))
        });
        let parts = self.parts.iter();
        let parts = parts.filter(|parts| parts.precision == precision);
        products
            .chain(parts.map(|parts| parts.roof))
            .max_by(f64::total_cmp)
    }

    /// The row of the same case in another precision.
    pub fn in_precision(&self, of: &Row, precision: Precision) -> Option<&Row> {
        let key = |row: &Row| (row.case.name.clone(), row.case.pass);
        self.rows
            .iter()
            .find(|row| row.case.precision == precision && key(row) == key(of))
    }

    /// The rows in one precision of the networks, or of the operators.
    pub fn rows_of(&self, networks: bool, precision: Precision) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.case.is_network() == networks && row.case.precision == precision)
    }

    /// The version of PyTorch.
    pub fn torch_version(&self) -> Option<&str> {
        let mut rows = self.rows.iter();
        rows.find_map(|row| row.torch.as_ref()?.version.as_deref())
    }
}

impl Row {
    /// How many times as fast as PyTorch ours is.
    pub fn speed(&self) -> Option<f64> {
        speed(&self.ours, &self.torch)
    }

    /// What the plot calls it.
    pub fn label(&self) -> String {
        format!("{}, {}", self.case.name, self.case.pass.name())
    }
}

/// How many times as fast as `other` it is, by the medians.
pub fn speed(of: &Option<Measured>, other: &Option<Measured>) -> Option<f64> {
    Some(seconds(other)?.median / seconds(of)?.median)
}

/// How long it took, where it ran.
pub fn seconds(measured: &Option<Measured>) -> Option<Spread> {
    measured.as_ref()?.seconds
}
