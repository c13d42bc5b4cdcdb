//! Images kept in memory after their first use.

use std::sync::OnceLock;

use ablate_core::Result;

/// One slot an image, filled on first use, from any thread.
pub(crate) struct Cache(Vec<OnceLock<Box<[u8]>>>);

impl Cache {
    /// Room for `images` images of `bytes` bytes, if they take no more than
    /// `limit` bytes together; else a cache that keeps nothing.
    pub fn within(limit: usize, images: usize, bytes: usize) -> Self {
        let fits = images
            .checked_mul(bytes)
            .is_some_and(|total| total <= limit);
        let slots = if fits { images } else { 0 };
        Self((0..slots).map(|_| OnceLock::new()).collect())
    }

    /// Writes image `index` into `pixels`: from memory, or made by `make` and kept.
    ///
    /// Two threads may both make an image that neither found; `make` is pure, so
    /// either result serves.
    pub fn read(
        &self,
        index: usize,
        pixels: &mut [u8],
        make: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let Some(slot) = self.0.get(index) else {
            return make(pixels);
        };
        if let Some(kept) = slot.get() {
            pixels.copy_from_slice(kept);
            return Ok(());
        }
        make(pixels)?;
        // Losing the race to another thread is fine: the bytes are the same.
        let _ = slot.set(pixels.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::Error;

    use super::*;

    #[test]
    fn an_image_is_made_once_if_the_whole_set_fits() -> Result<()> {
        for (limit, expected) in [(8, 1), (7, 3)] {
            let cache = Cache::within(limit, 2, 4);
            let mut made = 0;
            for _ in 0..3 {
                let mut pixels = [0; 4];
                cache.read(1, &mut pixels, |pixels| {
                    made += 1;
                    pixels.fill(9);
                    Ok(())
                })?;
                assert_eq!(pixels, [9; 4]);
            }
            assert_eq!(made, expected);
        }
        Ok(())
    }

    #[test]
    fn a_failure_is_not_kept() -> Result<()> {
        let cache = Cache::within(4, 1, 4);
        let failed = cache.read(0, &mut [0; 4], |_| Err(Error::Other("once".to_string())));
        assert!(failed.is_err());
        cache.read(0, &mut [0; 4], |_| Ok(()))
    }
}
