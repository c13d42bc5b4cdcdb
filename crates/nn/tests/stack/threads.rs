//! The number of threads changes no bit of what a network gives, be they fewer than the
//! tasks a batch is split into or so many that layers are split within each task.

use ablate_core::{Pass, Precision, Result, Stream};
use candle_core::Tensor;

use crate::networks::{Case, cases, images, results};

/// The bits of all that a step gives, by name, on so many threads.
fn bits(
    case: &Case,
    images: &Tensor,
    precision: Precision,
    threads: usize,
) -> Result<Vec<(String, Vec<u32>)>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pass = Pass::train(Stream::new(11).at(0)).with_precision(precision);
    let run = || results(case, images, &pass, true);
    let results = pool.expect("a pool").install(run)?.into_iter();
    Ok(results
        .map(|(name, values)| (name, values.into_iter().map(f32::to_bits).collect()))
        .collect())
}

#[test]
fn the_thread_count_does_not_change_a_bit() -> Result<()> {
    for case in cases()? {
        // One block of images to five, the last of them whole and not.
        for batch in [16, 40, 64, 70] {
            let images = images(batch, 4)?;
            for precision in [Precision::F32, Precision::Bf16] {
                let one = bits(&case, &images, precision, 1)?;
                for threads in [2, 3, 8, 16] {
                    let found = bits(&case, &images, precision, threads)?;
                    for ((name, wanted), (_, found)) in one.iter().zip(&found) {
                        assert!(
                            wanted == found,
                            "{}, {batch} images in {precision:?} on {threads} threads: `{name}`",
                            case.name
                        );
                    }
                }
            }
        }
    }
    Ok(())
}
