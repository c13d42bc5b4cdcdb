//! The networks on one device, such as a GPU: the table that docs/cuda.md has.

use std::fmt::Write;

use ablate_core::Precision;
use ablate_runner::DeviceName;
use anyhow::Result;

use super::case::{Case, PRECISIONS, Pass};
use super::markdown::{rate, times};
use super::network::{Network, PAPERS_BATCH};
use super::results::{Results, seconds};

/// The networks in batches of the paper's size, each pass in both precisions.
///
/// # Errors
/// There is no such device, or no kernels for it.
pub fn groups(device: DeviceName, quick: bool) -> Result<Vec<Vec<Case>>> {
    device.open()?;
    let mut groups = Vec::new();
    for network in Network::ALL {
        for pass in [Pass::Forward, Pass::TrainingStep] {
            let case = |precision| Case {
                device,
                batch: if quick {
                    PAPERS_BATCH / 8
                } else {
                    PAPERS_BATCH
                },
                ..network.case(pass, precision, quick)
            };
            // One process for each precision, as its peak of memory is its own.
            groups.extend(PRECISIONS.map(|precision| vec![case(precision)]));
        }
    }
    Ok(groups)
}

/// Images a second of each network and pass.
pub fn table(results: &Results, device: DeviceName) -> String {
    let mut text = format!(
        "On `{device}`; {}. Images a second.\n\n\
         | network | pass | batch | ours: float32 | PyTorch: float32 | bfloat16 | ours / PyTorch: float32 |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
        results
            .torch_version()
            .unwrap_or("PyTorch was not measured"),
    );
    for row in results.rows_of(true, Precision::F32) {
        let narrow = results.in_precision(row, Precision::Bf16);
        let images = |measured| rate(row.case.batch as f64, measured);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            images(seconds(&row.ours)),
            images(seconds(&row.torch)),
            images(narrow.and_then(|row| seconds(&row.torch))),
            times(row.speed()),
        );
    }
    text
}
