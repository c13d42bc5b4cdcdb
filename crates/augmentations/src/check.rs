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
