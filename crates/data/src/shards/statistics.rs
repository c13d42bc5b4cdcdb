//! Moments of all training images, beside the shards, as a safetensors file.

use std::path::Path;

use ablate_core::{Error, Moments, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::format::{CHANNELS, u64_at};
use crate::aside;

/// Its name in the set's folder.
pub(crate) const STATISTICS: &str = "statistics.safetensors";

const FIX: &str = "delete this file and run the same `data prepare` again";

/// Writes sums `sums [3, S, S]`, `products [3, 3]` and `images [1]` as integers, and
/// what follows from them, `mean [3, S, S]` and `covariance [3, 3]`, as 64-bit floats
/// in units of the stored bytes.
///
/// # Errors
/// The disk cannot be written.
pub(crate) fn write(folder: &Path, moments: &Moments) -> Result<()> {
    let integers = |values: &[u64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let floats = |values: &[f64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let (image, square) = (moments.shape.to_vec(), vec![CHANNELS, CHANNELS]);
    let tensors = [
        ("images", Dtype::U64, vec![1], integers(&[moments.images])),
        ("sums", Dtype::U64, image.clone(), integers(&moments.sums)),
        (
            "products",
            Dtype::U64,
            square.clone(),
            integers(&moments.products),
        ),
        ("mean", Dtype::F64, image, floats(&moments.mean_image())),
        (
            "covariance",
            Dtype::F64,
            square,
            floats(&moments.covariance()),
        ),
    ];
    let path = folder.join(STATISTICS);
    let failed = |error| Error::Other(format!("{}: {error}", path.display()));
    let views = tensors
        .iter()
        .map(|(name, kind, shape, bytes)| {
            Ok((*name, TensorView::new(*kind, shape.clone(), bytes)?))
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(failed)?;
    let bytes = safetensors::tensor::serialize(views, None).map_err(failed)?;
    aside::write(&path, &bytes)
}

/// Reads the moments of `images` images of height and width `size`.
///
/// # Errors
/// The file is missing, damaged, or of other images.
pub(crate) fn read(folder: &Path, size: usize, images: u64) -> Result<Moments> {
    let path = folder.join(STATISTICS);
    let wrong = |problem: String| Error::bad_file(&path, problem, FIX);
    let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
    let integers = |name: &str, shape: &[usize]| -> Result<Vec<u64>> {
        let view = tensors
            .tensor(name)
            .map_err(|error| wrong(error.to_string()))?;
        if view.dtype() != Dtype::U64 || view.shape() != shape {
            return Err(wrong(format!(
                "`{name}` has the shape {:?} where {shape:?} is needed",
                view.shape()
            )));
        }
        let numbers = view.data().chunks_exact(8);
        Ok(numbers.map(|number| u64_at(number, 0)).collect())
    };
    let shape = [CHANNELS, size, size];
    let found = integers("images", &[1])?[0];
    if found != images {
        return Err(wrong(format!(
            "of {found} images; the training shards have {images}"
        )));
    }
    Ok(Moments {
        shape,
        images,
        sums: integers("sums", &shape)?,
        products: integers("products", &[CHANNELS, CHANNELS])?,
    })
}
