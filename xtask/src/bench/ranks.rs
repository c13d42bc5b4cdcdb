//! What ranks that share a batch gain: measured on two of this machine, and worked
//! out for links that are not here from a rank's own times.

use std::fmt::Write;
use std::time::Instant;

use ablate_core::{Precision, registry};
use ablate_parallel::{Alone, Exchange, Group, LINKS, threads};
use anyhow::{Context, Result, anyhow};
use candle_core::Device;

use super::measure::{Limits, Spread};
use super::network::{Network, PAPERS_BATCH};
use super::step::Training;

/// How many ranks the table is for.
const RANKS: [usize; 5] = [1, 2, 4, 8, 16];

/// A step of a rank, in seconds.
struct Step {
    whole: Spread,
    sum: Spread,
}

/// Times the network and writes the page's table.
///
/// # Errors
/// The network cannot be built, or no threads can be started.
pub fn table(network: Network, limits: &Limits, quick: bool) -> Result<String> {
    let batch = if quick {
        PAPERS_BATCH / 8
    } else {
        PAPERS_BATCH
    };
    let mut page = String::new();
    let bytes = 4.0 * parameters(network)? as f64;
    let all = rayon::current_num_threads();
    writeln!(
        page,
        "{}: batches of {batch} images in float32, gradients of {:.1} MB, {all} threads a rank. \
         Images a second of all ranks, and their share of what as many times one rank would do; \
         steps are measured, links are worked out.\n",
        network.name(),
        bytes / 1e6
    )?;
    let links: String = LINKS
        .iter()
        .map(|link| format!(" {} |", link.name))
        .collect();
    writeln!(page, "| ranks | images each | step, ms |{links}")?;
    writeln!(page, "|---:|---:|---:|{}", "---:|".repeat(LINKS.len()))?;
    let mut single = f64::NAN;
    for ranks in RANKS {
        let step = steps(&Alone, network, batch / ranks, limits)?.whole.median;
        if ranks == 1 {
            single = step;
        }
        let cell = |seconds: f64| {
            let rate = batch as f64 / (step + seconds);
            let share = single / (ranks as f64 * (step + seconds));
            format!(" {rate:.0} ({:.0}%) |", 100.0 * share)
        };
        let cells: String = LINKS
            .iter()
            .map(|link| cell(link.sum(bytes, ranks)))
            .collect();
        writeln!(
            page,
            "| {ranks} | {} | {:.0} |{cells}",
            batch / ranks,
            1e3 * step
        )?;
    }
    let two = two_here(network, batch / 2, limits)?;
    writeln!(
        page,
        "\nTwo ranks here, each on {} of {all} threads: {:.0} ms a step ({:.0} images/s), of which \
         {:.0} ms are the sum. One rank on all of them: {:.0} ms.",
        (all / 2).max(1),
        1e3 * two.whole.median,
        batch as f64 / two.whole.median,
        1e3 * two.sum.median,
        1e3 * single
    )?;
    Ok(page)
}

fn parameters(network: Network) -> Result<usize> {
    Ok(training(network, 1)?.learner.parameters())
}

fn training(network: Network, batch: usize) -> Result<Training<Box<dyn ablate_core::Model>>> {
    let (name, config) = network.plugin();
    Training::new(network, batch, &Device::Cpu, |cx| {
        registry::model(name, &config, cx)
    })
}

/// The steps of one rank on `images` images each, as many on every rank.
fn steps(group: &dyn Group, network: Network, images: usize, limits: &Limits) -> Result<Step> {
    let mut training = training(network, images)?;
    let ranks = Exchange::new(group);
    let (mut wholes, mut sums) = (Vec::new(), Vec::new());
    // The first makes buffers and does not count.
    for step in 0..=limits.repeats {
        let begun = Instant::now();
        let pass = training.next_pass(Precision::F32);
        let logits = training.model.forward(&training.images, &pass)?;
        let gradients = training.learner.gradients(&logits, &pass)?;
        let exchange = Instant::now();
        let gradients = ranks.sum(&gradients)?;
        let took = exchange.elapsed();
        training.learner.update(gradients)?;
        if step > 0 {
            wholes.push(begun.elapsed().as_secs_f64());
            sums.push(took.as_secs_f64());
        }
    }
    Ok(Step {
        whole: Spread::of(wholes),
        sum: Spread::of(sums),
    })
}

/// Two ranks as threads of this process, each with half of its threads.
fn two_here(network: Network, images: usize, limits: &Limits) -> Result<Step> {
    let each = (rayon::current_num_threads() / 2).max(1);
    let run = |group: Box<dyn Group>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(each).build();
        let pool = pool.context("the threads of a rank cannot be started")?;
        pool.install(|| steps(group.as_ref(), network, images, limits))
    };
    let run = &run;
    std::thread::scope(|scope| {
        let ranks = threads(2).into_iter();
        let handles: Vec<_> = ranks.map(|group| scope.spawn(move || run(group))).collect();
        let ended = handles.into_iter().map(|handle| handle.join());
        let mut steps = ended.map(|ended| ended.map_err(|_| anyhow!("a rank ended early"))?);
        // Both take as long: each waits for the other.
        steps.next().context("there are two ranks")?
    })
}
