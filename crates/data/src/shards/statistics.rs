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

/// Reads the moments of `images` images of height and width `size`. The file has no
/// checksum; instead, the floats in it must be what follows from the sums.
///
/// # Errors
/// The file is missing, damaged, or of other images.
pub(crate) fn read(folder: &Path, size: usize, images: u64) -> Result<Moments> {
    let path = folder.join(STATISTICS);
    let wrong = |problem: String| Error::bad_file(&path, problem, FIX);
    let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
    // Each number as its 64 bits.
    let numbers = |name: &str, kind: Dtype, shape: &[usize]| -> Result<Vec<u64>> {
        let view = tensors
            .tensor(name)
            .map_err(|error| wrong(error.to_string()))?;
        if view.dtype() != kind || view.shape() != shape {
            return Err(wrong(format!(
                "`{name}` has the shape {:?} where {shape:?} is needed",
                view.shape()
            )));
        }
        let numbers = view.data().chunks_exact(8);
        Ok(numbers.map(|number| u64_at(number, 0)).collect())
    };
    let (shape, square) = ([CHANNELS, size, size], [CHANNELS, CHANNELS]);
    let found = numbers("images", Dtype::U64, &[1])?[0];
    if found != images {
        return Err(wrong(format!(
            "of {found} images; the training shards have {images}"
        )));
    }
    let moments = Moments {
        shape,
        images,
        sums: numbers("sums", Dtype::U64, &shape)?,
        products: numbers("products", Dtype::U64, &square)?,
    };
    let mean = numbers("mean", Dtype::F64, &shape)?;
    let covariance = numbers("covariance", Dtype::F64, &square)?;
    match is_possible(&moments)
        && is_of(&mean, &moments.mean_image())
        && is_of(&covariance, &moments.covariance())
    {
        true => Ok(moments),
        false => Err(wrong("damaged: its sums and its means differ".to_string())),
    }
}

/// Whether bytes can have such sums, of which no covariance overflows.
fn is_possible(moments: &Moments) -> bool {
    const LARGEST: u128 = u8::MAX as u128;
    let [_, height, width] = moments.shape;
    let images = u128::from(moments.images);
    let most = LARGEST * LARGEST * images * (height * width) as u128;
    let sums = moments.sums.iter().map(|sum| u128::from(*sum));
    let products = moments.products.iter().map(|sum| u128::from(*sum));
    sums.max() <= Some(LARGEST * images) && products.max() <= Some(most)
}

/// Whether these are the bits of the values.
fn is_of(bits: &[u64], values: &[f64]) -> bool {
    values
        .iter()
        .map(|value| value.to_bits())
        .eq(bits.iter().copied())
}
