//! The tables of single operators, one for each precision.

use std::fmt::Write;

use ablate_core::Precision;

use super::{flops, milliseconds, times};
use crate::bench::results::{Results, Row, seconds, speed};

/// The section on operators.
pub fn operators(results: &Results) -> String {
    let mut text = String::from(
        "\n## Operators\n\nMilliseconds of one pass; ours over slices that are there already, the \
         others' with the allocation of their results. In float32:\n\n\
         | operator | pass | batch | ours | GFLOP/s (of the roof) | stock candle | PyTorch \
         | ours / PyTorch |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.rows_of(false, Precision::F32) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            milliseconds(seconds(&row.ours)),
            ours_flops(results, row),
            milliseconds(seconds(&row.stock)),
            milliseconds(seconds(&row.torch)),
            times(row.speed()),
        );
    }
    text.push_str(&missing(results));
    text.push_str(
        "\nIn bfloat16, which pooling and response normalisation do not have:\n\n\
         | operator | pass | batch | ours | GFLOP/s (of the roof) | gain on float32 | PyTorch \
         | gain on float32 | ours / PyTorch |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.rows_of(false, Precision::Bf16) {
        let wide = results.in_precision(row, Precision::F32);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            milliseconds(seconds(&row.ours)),
            ours_flops(results, row),
            times(wide.and_then(|wide| speed(&row.ours, &wide.ours))),
            milliseconds(seconds(&row.torch)),
            times(wide.and_then(|wide| speed(&row.torch, &wide.torch))),
            times(row.speed()),
        );
    }
    text
}

/// Empty where nothing is multiplied.
fn ours_flops(results: &Results, row: &Row) -> String {
    let work = row.case.multiply_adds();
    let seconds = seconds(&row.ours).filter(|_| work > 0.0);
    seconds.map_or(String::new(), |seconds| {
        flops(work, seconds.median, results.roof(row.case.precision))
    })
}

/// What stock candle does not have.
fn missing(results: &Results) -> String {
    let rows = results
        .rows
        .iter()
        .filter_map(|row| row.stock.as_ref()?.missing.as_deref());
    let mut reasons: Vec<_> = rows.collect();
    reasons.sort_unstable();
    reasons.dedup();
    match reasons.is_empty() {
        true => String::new(),
        false => format!("\nn/a: stock candle has {}.\n", reasons.join("; ")),
    }
}
