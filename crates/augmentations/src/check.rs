//! The checks every step makes of an image it is handed.

use ablate_core::{Error, Image, Result};

/// Fails unless `image` has the shape the step was built for.
pub(crate) fn expect_shape(step: &str, image: &Image, expected: [usize; 3]) -> Result<()> {
    if image.shape == expected && image.data.len() == expected.iter().product::<usize>() {
        return Ok(());
    }
    Err(Error::Other(format!(
        "{step}: built for images of shape {expected:?}, given shape {:?} with {} values\n  \
         fix: build the step with the shape that reaches it",
        image.shape,
        image.data.len()
    )))
}

/// Fails unless there are as many kept statistics as the step takes.
pub(crate) fn expect_statistics(step: &str, statistics: &[f32], expected: usize) -> Result<()> {
    if statistics.len() == expected {
        return Ok(());
    }
    Err(Error::Other(format!(
        "{step}: {} statistics were kept, it takes {expected}\n  fix: build the step with the \
         config and the shape it had",
        statistics.len()
    )))
}
