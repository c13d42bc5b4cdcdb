//! Every network on a GPU against the fused operation on the CPU. Without a GPU
//! the test says so and returns.

use ablate_core::{Pass, Result, Stream};

use crate::networks::{cases, cases_on, distance, images, results};

#[test]
fn networks_on_a_gpu_agree_with_the_fused_ones() -> Result<()> {
    let gpu = match ablate_ops::gpu(0) {
        Ok(gpu) => gpu,
        Err(error) => {
            eprintln!("skipped: no GPU ({error})");
            return Ok(());
        }
    };
    let pass = || Pass::train(Stream::new(11));
    for (on_gpu, fused) in cases_on(&gpu)?.iter().zip(cases()?) {
        for batch in [1, 19] {
            let images = images(batch, 1)?;
            let found = results(on_gpu, &images.to_device(&gpu)?, &pass(), true)?;
            for (name, wanted) in &results(&fused, &images, &pass(), true)? {
                let distance = distance(&found[name], wanted);
                assert!(
                    distance <= 1e-5,
                    "{}, batch {batch}: `{name}` is off by {distance:.1e}",
                    fused.name
                );
            }
        }
    }
    Ok(())
}
