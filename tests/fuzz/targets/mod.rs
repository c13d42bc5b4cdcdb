//! The readers, each with the files it reads.

mod archives;
mod cifar10;
mod download;
mod experiments;
mod fixtures;
mod images;
mod interrupted;
mod launched;
mod listed;
mod networks;
mod page;
mod ranks;
mod resume;
mod shards;
mod stored;

use ablate_core::{Dataset, Split};

const MIB: usize = 1 << 20;

/// Reads every image of a small set, and the moments that it knows.
fn read_all(data: &dyn Dataset) -> Result<(), String> {
    let say = |error: ablate_core::Error| error.to_string();
    let mut pixels = vec![0; data.info().shape.iter().product()];
    for split in [Split::Train, Split::Validation] {
        for index in 0..data.len(split) {
            let label = data.read(split, index, &mut pixels).map_err(say)?;
            assert!((label as usize) < data.info().classes.len(), "{label}");
        }
    }
    data.training_moments().map_err(say)?;
    Ok(())
}
