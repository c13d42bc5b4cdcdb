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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_values_must_both_be_right() {
        for (shape, values, fits) in [
            ([1, 2, 3], 6, true),
            ([1, 2, 3], 5, false),
            ([1, 3, 2], 6, false),
        ] {
            let data = vec![0.0; values];
            let found = expect_shape("step", &Image { shape, data }, [1, 2, 3]);
            assert_eq!(found.is_ok(), fits, "{shape:?} of {values}");
        }
    }
}
