//! The page, for people: its heading, and how its tables write numbers.

mod layers;
mod networks;
mod operators;

use std::fmt::Write;

use super::case::{PRECISIONS, precision_name};
use super::measure::Spread;
use super::results::{BUSY, Results};

pub use layers::layers;

/// The files beside the page.
pub struct Files {
    /// Their path from the page, without an extension.
    pub stem: String,
    /// Whether there is a picture.
    pub picture: bool,
}

/// The whole page.
pub fn page(results: &Results, files: &Files) -> String {
    let mut page = heading(results, files);
    page.push_str(&networks::networks(results));
    page.push_str(&layers(results));
    page.push_str(&operators::operators(results));
    page
}

fn heading(results: &Results, files: &Files) -> String {
    let environment = &results.environment;
    let mut page = format!(
        "# Speed on {} {}\n\n{}, {} cores; kernels for {}, {} bfloat16 instructions; version \
         {}{}. {}. All on the CPU.\n",
        results.threads,
        if results.threads == 1 {
            "thread"
        } else {
            "threads"
        },
        environment.processor,
        environment.cores,
        // Only bfloat16 has kernels of its own for AMX.
        environment.simd.replace("amx", "avx512 and amx"),
        match ablate_ops::Precision::Bf16.has_instruction() {
            true => "with its",
            false => "without",
        },
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
    let _ = write!(
        page,
        "\nFigures are medians (lowest..highest). In bfloat16, ours \
         rounds the operands of convolutions and linear layers and adds their products up in \
         float32; PyTorch runs under `torch.autocast`. The roof is the \
         fastest matrix product on this page, of either size and by anyone:"
    );
    for (index, precision) in PRECISIONS.into_iter().enumerate() {
        let name = precision_name(precision);
        let separator = if index == 0 { "" } else { "," };
        let _ = match results.roof(precision) {
            Some(roof) => write!(
                page,
                "{separator} {} GFLOP/s in {name}",
                three_digits(2e-9 * roof)
            ),
            None => write!(page, "{separator} not measured in {name}"),
        };
    }
    page.push_str(". A convolution can pass it, as it uses what it loads for more products.\n\n");
    let stem = &files.stem;
    if files.picture {
        let _ = writeln!(
            page,
            "![Speed relative to PyTorch in float32]({stem}.png)\n\nThe picture as \
             [SVG]({stem}.svg), all numbers as [JSON]({stem}.json)."
        );
    } else {
        let _ = writeln!(page, "All numbers as [JSON]({stem}.json).");
    }
    page
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

/// `2.00x`, where there is a value.
pub fn times(value: Option<f64>) -> String {
    value.map_or("n/a".to_string(), |value| {
        format!("{}x", three_digits(value))
    })
}

/// Milliseconds: the median, with its spread where it was run more than once.
fn milliseconds(seconds: Option<Spread>) -> String {
    spread(seconds, |seconds| 1e3 * seconds, |s| [s.min, s.max])
}

/// `work` a second: the median, with its spread where it was run more than once.
pub fn rate(work: f64, seconds: Option<Spread>) -> String {
    spread(seconds, |seconds| work / seconds, |s| [s.max, s.min])
}

fn spread(
    seconds: Option<Spread>,
    unit: impl Fn(f64) -> f64,
    ends: impl Fn(Spread) -> [f64; 2],
) -> String {
    let Some(seconds) = seconds else {
        return "n/a".to_string();
    };
    let show = |seconds| three_digits(unit(seconds));
    let median = show(seconds.median);
    match seconds.runs {
        1 => median,
        _ => {
            let [from, to] = ends(seconds).map(show);
            format!("{median} ({from}..{to})")
        }
    }
}

/// GFLOP/s and the part of the roof they are.
fn flops(multiply_adds: f64, seconds: f64, roof: Option<f64>) -> String {
    let rate = multiply_adds / seconds;
    let flops = three_digits(2e-9 * rate);
    match roof {
        Some(roof) => format!("{flops} ({})", percent(rate / roof)),
        None => flops,
    }
}

/// A part of one, in percent.
fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}
