//! How fast the operators and networks are: ours, stock candle, and PyTorch
//! where it is installed. Not here: whether they are right (`parity`).
//!
//! Everything is measured in child processes: one for the operators of each
//! implementation and one for each network, so that a peak of memory is that
//! network's own.

mod case;
mod children;
mod markdown;
mod measure;
mod network;
mod ours;
mod plot;
mod results;
mod stock;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use case::Case;
use measure::Limits;
use results::Results;

/// Times operators and networks, beside stock candle and PyTorch.
#[derive(Args)]
pub struct BenchArgs {
    /// A Python that has PyTorch 2; without one its columns stay empty.
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// Threads each implementation may use [default: all cores].
    #[arg(long)]
    threads: Option<usize>,
    /// Runs of each case; the median and the fastest count.
    #[arg(long, default_value_t = 15)]
    repeats: usize,
    /// Folder for the table, the numbers and the picture.
    #[arg(long, default_value = "docs/benchmarks", value_name = "DIR")]
    out: PathBuf,
    /// Few runs on small batches, to see that it works; says so in the table.
    #[arg(long)]
    quick: bool,
    /// What a child process measures, as JSON.
    #[arg(long, hide = true, requires = "by")]
    measure: Option<String>,
    /// What the child process measures it with.
    #[arg(long, hide = true)]
    by: Option<Implementation>,
}

/// Whose code is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Implementation {
    /// This workspace's.
    Ours,
    /// candle's own operations.
    Stock,
    /// PyTorch, through the Python script.
    #[value(skip)]
    Torch,
}

/// Measures, prints the table and writes the files.
///
/// # Errors
/// A child process fails (stock candle may lack a case), or a file cannot be
/// written.
pub fn run(args: BenchArgs) -> Result<()> {
    let limits = Limits::new(args.repeats, args.quick);
    if let (Some(cases), Some(by)) = (&args.measure, args.by) {
        let cases: Vec<Case> = serde_json::from_str(cases).context("`--measure` is no JSON")?;
        return measure_here(&cases, by, &limits);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let children = children::Children {
        threads: args.threads.unwrap_or(cores),
        limits,
        quick: args.quick,
        torch: args.torch,
    };
    let mut results = Results::new(children.threads, args.quick);
    for group in case::groups(args.quick) {
        for by in [
            Implementation::Ours,
            Implementation::Stock,
            Implementation::Torch,
        ] {
            children.measure(&group, by, |measured| results.add(&group, by, measured))?;
        }
    }
    let table = markdown::table(&results);
    println!("{table}");
    write(&args.out, &results, &table)
}

/// What a child process does.
fn measure_here(cases: &[Case], by: Implementation, limits: &Limits) -> Result<()> {
    for case in cases {
        let timed = match by {
            Implementation::Ours => ours::time(case, limits),
            Implementation::Stock => stock::time(case, limits),
            Implementation::Torch => bail!("PyTorch is measured by its own script"),
        };
        println!("{}", measure::line(case, timed)?);
    }
    Ok(())
}

fn write(folder: &std::path::Path, results: &Results, table: &str) -> Result<()> {
    let stem = format!("threads-{}", results.threads);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let save = |extension: &str, bytes: &[u8]| {
        let path = folder.join(&stem).with_extension(extension);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
        Ok::<_, anyhow::Error>(())
    };
    save("md", table.as_bytes())?;
    save("json", serde_json::to_string_pretty(results)?.as_bytes())?;
    match plot::bars(results) {
        Some(bars) => {
            save("svg", plot::svg(&bars)?.as_bytes())?;
            save("png", &plot::png(&bars)?)
        }
        None => {
            println!("no picture: it compares with PyTorch; give `--torch PYTHON`");
            Ok(())
        }
    }
}
