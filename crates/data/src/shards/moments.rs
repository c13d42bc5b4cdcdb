//! Moments as a shard keeps them: sums over its own images, with a checksum.

use ablate_core::Moments;

use super::format::{CHANNELS, crc32, u32_at, u64_at};

/// Images of which a sum of bytes surely fits into the 32 bits of a stored sum; a
/// shard has a few thousand.
pub(crate) const MOST_IMAGES: usize = (u32::MAX / 255) as usize;

/// Products of channels `[3, 3]`, sums `[3, S, S]`, a checksum.
pub(super) fn to_bytes(moments: &Moments) -> Vec<u8> {
    let products = moments.products.iter().flat_map(|p| p.to_le_bytes());
    let sums = moments
        .sums
        .iter()
        .flat_map(|sum| (*sum as u32).to_le_bytes());
    let mut bytes: Vec<u8> = products.chain(sums).collect();
    let crc = crc32(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Reads the moments of `images` images of height and width `size`.
///
/// # Errors
/// What is wrong with them.
pub(super) fn from_bytes(bytes: &[u8], size: usize, images: u32) -> Result<Moments, String> {
    let mut moments = Moments::empty([CHANNELS, size, size]);
    let (products, sums) = (8 * moments.products.len(), 4 * moments.sums.len());
    if bytes.len() != products + sums + 4 {
        return Err(format!(
            "the moments have {} bytes where {} are needed",
            bytes.len(),
            products + sums + 4
        ));
    }
    if crc32(&bytes[..products + sums]) != u32_at(bytes, products + sums) {
        return Err("the moments are damaged: their checksum is wrong".to_string());
    }
    moments.images = u64::from(images);
    for (at, product) in moments.products.iter_mut().enumerate() {
        *product = u64_at(bytes, 8 * at);
    }
    for (at, sum) in moments.sums.iter_mut().enumerate() {
        *sum = u64::from(u32_at(bytes, products + 4 * at));
    }
    Ok(moments)
}
