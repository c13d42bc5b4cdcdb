//! The data sets, as plugins, and what surrounds them: fetching, preparing, looking.
//!
//! - [`Cifar10`] (`cifar10`): CIFAR-10 in the official binary layout.
//! - [`ImageFolder`] (`image_folder`): `train/CLASS/*` and `val/CLASS/*`, from a
//!   folder or straight from a tar archive.
//! - [`Shards`] (`shards`): ImageNet as [`prepare_imagenet`] packs it.
//! - [`Shapes`] (`shapes`): built in, painted when asked for.
//!
//! This crate knows nothing of augmentation, batches or training: it gives
//! bytes and a label for an index, always the same ones, from any thread.

mod aside;
mod cache;
mod cifar10;
mod classes;
mod digest;
mod fetch;
mod image_folder;
mod imagenet;
mod locate;
mod prepare;
mod preview;
mod shapes;
mod shards;
mod subset;
mod tarball;

use ablate_core::{Dataset, Error, Result, Split};

pub use cifar10::Cifar10;
#[doc(hidden)]
pub use cifar10::cifar10_of_records;
pub use fetch::fetch_cifar10;
pub use image_folder::{ImageFolder, read_image};
pub use imagenet::{Preparation, Prepared, Progress, prepare_imagenet};
pub use preview::preview;
pub use shapes::Shapes;
pub use shards::Shards;

/// Refuses an index out of range or a buffer of another size than the images.
fn check_request(data: &dyn Dataset, split: Split, index: usize, pixels: &[u8]) -> Result<()> {
    let expected: usize = data.info().shape.iter().product();
    if index >= data.len(split) || pixels.len() != expected {
        return Err(Error::Other(format!(
            "image {index} of {} asked for in {} bytes where {expected} are needed",
            data.len(split),
            pixels.len()
        )));
    }
    Ok(())
}
