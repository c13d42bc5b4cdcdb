//! How fast the operators and networks are: ours, stock candle, and PyTorch
//! where it is installed. Not here: whether they are right (`parity`).
//!
//! Everything is measured in child processes: one for the operators of each
//! implementation, one for each network, so that a peak of memory is that
//! network's own, and one for the layers of AlexNet.

mod case;
mod children;
mod device;
mod layers;
mod loading;
mod markdown;
mod measure;
mod network;
mod ours;
mod parts;
mod plot;
mod ranks;
mod results;
mod step;
mod stock;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ablate_core::Precision;
use ablate_runner::{DeviceName, Draft};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use case::Case;
use measure::Limits;
use network::Network;
use results::Results;

use crate::workspace;

/// Times operators and networks, beside stock candle and PyTorch.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo xtask bench --torch python3          everything, with PyTorch beside
  cargo xtask bench --layers alexnet         where a training step's time goes
  cargo xtask bench --ranks alexnet          what ranks that share a batch gain
  cargo xtask-cuda bench --device cuda --torch python3     how fast a GPU is
  cargo xtask bench --loading experiments/lrn.toml --profile paper    whether data comes in time")]
pub struct BenchArgs {
    /// A Python that has PyTorch 2; without one its columns stay empty.
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// Threads each implementation may use [default: all cores].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Runs of each case; the page shows the median, the fastest and the slowest.
    #[arg(long, default_value_t = 15)]
    repeats: usize,
    /// Folder for the numbers and the picture, beside which the page lies as DIR.md;
    /// without it, `docs/benchmarks` in the project.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Few runs on small batches, to see that it works; says so in the table.
    #[arg(long)]
    quick: bool,
    /// Only show where a training step of this network spends its time; writes nothing.
    #[arg(long, value_name = "NETWORK")]
    layers: Option<Network>,
    /// Only show what sharing this network's batches among ranks gains; writes nothing.
    #[arg(long, value_name = "NETWORK", conflicts_with = "layers")]
    ranks: Option<Network>,
    /// Only show how fast the networks compute on this device, `cpu`, `cuda` or `cuda:N`,
    /// beside PyTorch there; writes nothing.
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["layers", "ranks"])]
    device: Option<DeviceName>,
    /// Only show how fast this experiment's first trial loads its images, trains on
    /// them, and does both at once; writes nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["layers", "ranks", "device"])]
    loading: Option<PathBuf>,
    /// The profile of the experiment; without it, its default.
    #[arg(long, requires = "loading")]
    profile: Option<String>,
    /// Override a key of the experiment, for example `machine.loader_threads=2`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "loading")]
    set: Vec<String>,
    /// That of a child process, as JSON lines.
    #[arg(long, hide = true, requires = "layers")]
    lines: bool,
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

impl Implementation {
    /// Whether it can have such a case at all.
    fn knows(self, case: &Case) -> bool {
        match self {
            Self::Ours => case.device == DeviceName::Cpu || case.precision == Precision::F32,
            Self::Torch => true,
            // Networks need more than it has, and its bfloat16 is a type of
            // tensors, sums included.
            Self::Stock => case.precision == Precision::F32 && !case.is_network(),
        }
    }
}

/// Measures what is asked for and prints it; the files are written where everything is.
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
    if let (Some(network), true) = (args.layers, args.lines) {
        return time_layers_here(network, &limits, args.quick);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, usize::from);
    if let Some(network) = args.ranks {
        let table = || ranks::table(network, &limits, args.quick);
        println!("{}", pool(threads)?.install(table)?);
        return Ok(());
    }
    if let Some(experiment) = &args.loading {
        return show_loading(experiment, &args, threads, &limits);
    }
    let children = children::Children {
        threads,
        limits,
        quick: args.quick,
        torch: args.torch,
    };
    let mut results = Results::new(threads, args.quick);
    if let Some(network) = args.layers {
        results.parts = children.parts(network)?;
        println!("{}", markdown::layers(&results));
        return Ok(());
    }
    if let Some(device) = args.device {
        compare(&children, device::groups(device, args.quick)?, &mut results)?;
        println!("{}", device::table(&results, device));
        return Ok(());
    }
    compare(&children, case::groups(args.quick), &mut results)?;
    results.parts = children.parts(Network::Alexnet)?;
    let usual = || workspace::root().join("docs/benchmarks");
    write(&args.out.unwrap_or_else(usual), &results)
}

/// Measures cases by every implementation that has them.
fn compare(
    children: &children::Children,
    groups: Vec<Vec<Case>>,
    results: &mut Results,
) -> Result<()> {
    for group in groups {
        for by in [
            Implementation::Ours,
            Implementation::Stock,
            Implementation::Torch,
        ] {
            children.measure(&group, by, |measured| results.add(&group, by, measured))?;
        }
    }
    Ok(())
}

/// How fast an experiment's images come.
fn show_loading(
    experiment: &Path,
    args: &BenchArgs,
    threads: usize,
    limits: &Limits,
) -> Result<()> {
    let data = workspace::data_context();
    let draft = Draft::read(experiment, args.profile.as_deref(), &args.set, None, data)?;
    let plan = draft.unsearched()?;
    let time = Duration::from_secs_f64(limits.seconds);
    let loading = pool(threads)?.install(|| plan.loading(time))?;
    print!("{}", loading::table(&loading, threads));
    Ok(())
}

/// The threads that compute.
fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.context("the compute threads cannot be started")
}

/// What the child process of `--layers` does.
fn time_layers_here(network: Network, limits: &Limits, quick: bool) -> Result<()> {
    for parts in layers::time(network, limits, quick)? {
        println!("{}", serde_json::to_string(&parts)?);
    }
    Ok(())
}

/// What every other child process does.
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

/// Beside the folder, whose name may have dots.
fn page_of(folder: &Path) -> PathBuf {
    folder.with_added_extension("md")
}

fn write(folder: &Path, results: &Results) -> Result<()> {
    let stem = format!("threads-{}", results.threads);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let save = |path: &Path, bytes: &[u8]| {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
        Ok::<_, anyhow::Error>(())
    };
    let file = |extension: &str| folder.join(&stem).with_added_extension(extension);
    save(
        &file("json"),
        serde_json::to_string_pretty(results)?.as_bytes(),
    )?;
    let bars = plot::bars(results);
    match &bars {
        Some(bars) => {
            let page = bars.page();
            save(&file("svg"), page.svg()?.as_bytes())?;
            save(&file("png"), &page.png()?)?;
        }
        None => println!("no picture: it compares with PyTorch; give `--torch PYTHON`"),
    }
    // Links are relative to the page, which lies beside the folder.
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let files = markdown::Files {
        stem: format!("{name}/{stem}"),
        picture: bars.is_some(),
    };
    let page = markdown::page(results, &files);
    println!("{page}");
    save(&page_of(folder), page.as_bytes())
}
