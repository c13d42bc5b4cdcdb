//! The tables of whole networks: their speed and their memory.

use std::fmt::Write;

use ablate_core::Precision;

use super::{rate, times};
use crate::bench::measure::Measured;
use crate::bench::results::{Results, Row, seconds, speed};

/// The section on networks.
pub fn networks(results: &Results) -> String {
    let mut text = String::from(
        "\n## Networks\n\nImages a second. The training step is forward, loss, backward and \
         momentum SGD with weight decay. Stock candle lacks some of their operators.\n\n\
         | network | pass | batch | ours: float32 | bfloat16 | gain | PyTorch: float32 | bfloat16 | gain \
         | ours / PyTorch: float32 | bfloat16 |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.rows_of(true, Precision::F32) {
        let narrow = results.in_precision(row, Precision::Bf16);
        let ours = [Some(&row.ours), narrow.map(|row| &row.ours)];
        let torch = [Some(&row.torch), narrow.map(|row| &row.torch)];
        let images = |measured: Option<&Option<Measured>>| {
            rate(row.case.batch as f64, measured.and_then(seconds))
        };
        let gain = |[wide, narrow]: [Option<&Option<Measured>>; 2]| {
            times(
                wide.zip(narrow)
                    .and_then(|(wide, narrow)| speed(narrow, wide)),
            )
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            images(ours[0]),
            images(ours[1]),
            gain(ours),
            images(torch[0]),
            images(torch[1]),
            gain(torch),
            times(row.speed()),
            times(narrow.and_then(Row::speed)),
        );
    }
    text.push_str(&memory(results));
    text
}

fn memory(results: &Results) -> String {
    let mut text = String::from(
        "\nThe most memory their processes had, in MiB:\n\n\
         | network | pass | ours: float32 | bfloat16 | PyTorch: float32 | bfloat16 |\n\
         |---|---|---:|---:|---:|---:|\n",
    );
    let peak = |measured: Option<&Measured>| {
        let peak = measured.and_then(|measured| measured.peak_rss_mib);
        peak.map_or("n/a".to_string(), |mib| format!("{mib:.0}"))
    };
    for row in results.rows_of(true, Precision::F32) {
        let narrow = results.in_precision(row, Precision::Bf16);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            peak(row.ours.as_ref()),
            peak(narrow.and_then(|row| row.ours.as_ref())),
            peak(row.torch.as_ref()),
            peak(narrow.and_then(|row| row.torch.as_ref())),
        );
    }
    text
}
