//! The table, for people.

use std::fmt::Write;

use super::case::GEMM;
use super::measure::Measured;
use super::results::{BUSY, Results, Row, seconds};

/// The whole page.
pub fn table(results: &Results) -> String {
    let mut page = heading(results);
    page.push_str(&networks(results));
    page.push_str(&operators(results));
    page
}

fn heading(results: &Results) -> String {
    let environment = &results.environment;
    let mut page = format!(
        "# Speed on {} {}\n\n{}, {} cores, kernels for {}; version {}{}. {}. Float32 on the CPU; \
         medians.\n",
        results.threads,
        if results.threads == 1 {
            "thread"
        } else {
            "threads"
        },
        environment.processor,
        environment.cores,
        environment.simd,
        environment.version,
        match environment.commit.as_str() {
            "" => String::new(),
            commit => format!(" ({commit})"),
        },
        results
            .torch_version()
            .unwrap_or("PyTorch was not measured"),
    );
    if let Some(load) = results.load.filter(|load| *load > BUSY) {
        let _ = writeln!(
            page,
            "\n**Measured on a busy machine** (load {load}), which slows threads that wait for each \
             other, as PyTorch's do, most of all. Measure again on an idle one before comparing."
        );
    }
    if results.quick {
        page.push_str("\nA quick look at small batches; take no figures from here.\n");
    }
    page
}

fn networks(results: &Results) -> String {
    let mut text = String::from(
        "\n## Networks\n\nImages a second; peak memory of the process. The training step is \
         forward, loss, backward and momentum SGD with weight decay.\n\n\
         | network | pass | batch | ours | stock candle | PyTorch | ours / PyTorch | memory: ours | PyTorch |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.rows.iter().filter(|row| row.is_network()) {
        let rate = |measured: &Option<Measured>| match seconds(measured) {
            Some(seconds) => three_digits(row.case.batch as f64 / seconds),
            None => "n/a".to_string(),
        };
        let memory = |measured: &Option<Measured>| {
            let peak = measured.as_ref().and_then(|measured| measured.peak_rss_mib);
            peak.map_or("n/a".to_string(), |mib| format!("{mib:.0} MiB"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            rate(&row.ours),
            rate(&row.stock),
            rate(&row.torch),
            ratio(row),
            memory(&row.ours),
            memory(&row.torch),
        );
    }
    text
}

fn operators(results: &Results) -> String {
    let mut text = String::from(
        "\n## Operators\n\nMilliseconds of one pass; ours over slices that are there already, the others' with the \
         allocation of their results",
    );
    match results.roof() {
        Some(roof) => {
            let _ = write!(
                text,
                ". The {GEMM} (numbers on a side) ran at {} GFLOP/s at best, which the percentages \
                 refer to",
                three_digits(2e-9 * roof)
            );
        }
        None => text.push_str(". No matrix product was measured to compare with"),
    }
    text.push_str(
        ".\n\n| operator | pass | batch | ours | GFLOP/s | of the matrix product | stock candle | PyTorch | speed: ours / PyTorch |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.rows.iter().filter(|row| !row.is_network()) {
        let time = |measured: &Option<Measured>| match seconds(measured) {
            Some(seconds) => three_digits(1e3 * seconds),
            None => "n/a".to_string(),
        };
        let work = row.case.multiply_adds();
        let rate = seconds(&row.ours).filter(|_| work > 0.0).map(|s| work / s);
        let share = rate
            .zip(results.roof())
            .map(|(rate, roof)| 100.0 * rate / roof);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.case.name,
            row.case.pass.name(),
            row.case.batch,
            time(&row.ours),
            rate.map_or(String::new(), |rate| three_digits(2e-9 * rate)),
            share.map_or(String::new(), |share| format!("{share:.0}%")),
            time(&row.stock),
            time(&row.torch),
            ratio(row),
        );
    }
    text.push_str(&missing(results));
    text
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

fn ratio(row: &Row) -> String {
    row.speed(&row.ours).map_or("n/a".to_string(), |speed| {
        format!("{}x", three_digits(speed))
    })
}

/// Three significant digits.
fn three_digits(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
