//! `data speed`: how fast a set gives its images.

use std::time::Instant;

use ablate_core::{Dataset, Result, Split};
use rayon::prelude::*;

/// Reads images of the training split on `threads` threads for `seconds` and says how
/// many came. Images that follow each other lie in different places, as in training.
pub fn run(data: &dyn Dataset, threads: usize, seconds: f64) -> anyhow::Result<()> {
    let images = data.len(Split::Train);
    anyhow::ensure!(images > 0, "the training split is empty");
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let begin = Instant::now();
    let mut read = 0;
    while begin.elapsed().as_secs_f64() < seconds {
        let batch = read..read + 32 * threads;
        pool.install(|| {
            batch
                .into_par_iter()
                .try_for_each(|at| one(data, at, images))
        })?;
        read += 32 * threads;
    }
    let rate = read as f64 / begin.elapsed().as_secs_f64();
    println!("{}", data.info().description);
    println!(
        "{read} images read on {threads} threads: {rate:.1} images/s, {:.1} a thread",
        rate / threads as f64
    );
    Ok(())
}

/// Reads one image; steps of a prime number visit all before any comes again.
fn one(data: &dyn Dataset, at: usize, images: usize) -> Result<()> {
    let mut pixels = vec![0; data.info().shape.iter().product()];
    let index = at.wrapping_mul(7919) % images;
    data.read(Split::Train, index, &mut pixels)?;
    std::hint::black_box(pixels);
    Ok(())
}
