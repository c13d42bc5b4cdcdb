//! Steps that change an image row by row, and how several are run in one pass.

use crate::{Error, Image, Result};

/// What a step does to one image, its random choices drawn, where each row of a channel
/// comes out of one row of the same channel.
///
/// A photograph of 256 x 256 is 768 KiB of floats, more than the caches near a processor
/// hold. Row by row it goes from its pixels to its batch through the nearest of them,
/// and what is cut away is never touched.
pub trait ByRow {
    /// The row of what reaches the step that becomes row `row` of what leaves it; `None`
    /// where it is made of nothing.
    fn source(&self, row: usize) -> Option<usize> {
        Some(row)
    }

    /// Makes row `row` of channel `channel` of what leaves the step: out of the values of
    /// the row that [`source`](Self::source) names, or out of no values where it names none.
    fn change(&self, channel: usize, row: usize, values: &mut Vec<f32>);
}

/// Takes an image through `steps`, from `read`, which appends the values of a channel's
/// row, to `to`, which is of `shape` `[C, H, W]`.
///
/// # Errors
/// What `read` says, or the steps made a row of another length.
pub fn by_row<'a>(
    steps: &[Box<dyn ByRow + 'a>],
    mut read: impl FnMut(usize, usize, &mut Vec<f32>) -> Result<()>,
    [channels, height, width]: [usize; 3],
    to: &mut [f32],
) -> Result<()> {
    let mut values = Vec::with_capacity(width);
    let mut rows = vec![0; steps.len()];
    for channel in 0..channels {
        for row in 0..height {
            let mut source = Some(row);
            let mut first = steps.len();
            while let (Some(row), Some(before)) = (source, first.checked_sub(1)) {
                rows[before] = row;
                source = steps[before].source(row);
                first = before;
            }
            values.clear();
            if let Some(row) = source {
                read(channel, row, &mut values)?;
            }
            for (step, row) in steps[first..].iter().zip(&rows[first..]) {
                step.change(channel, *row, &mut values);
            }
            let start = (channel * height + row) * width;
            match to.get_mut(start..start + width) {
                Some(to) if values.len() == width => to.copy_from_slice(&values),
                _ => return Err(misfit(values.len(), width)),
            }
        }
    }
    Ok(())
}

fn misfit(found: usize, promised: usize) -> Error {
    Error::Other(format!(
        "augmentations made a row of {found} values where they promised {promised}"
    ))
}

impl Image {
    /// What one step makes of the image, of the shape `[C, H, W]`.
    ///
    /// # Errors
    /// The step names a row that the image does not have, or makes one of another length.
    pub fn changed_by_row(&self, step: impl ByRow, shape: [usize; 3]) -> Result<Self> {
        let mut data = vec![0.0; shape.iter().product()];
        let read = |channel, row, values: &mut Vec<f32>| {
            values.extend_from_slice(row_of(&self.data, self.shape, channel, row)?);
            Ok(())
        };
        by_row(&[Box::new(step)], read, shape, &mut data)?;
        Ok(Self { shape, data })
    }
}

/// A row of planes of `shape` `[C, H, W]`.
///
/// # Errors
/// They have no such row.
pub fn row_of<T>(planes: &[T], shape: [usize; 3], channel: usize, row: usize) -> Result<&[T]> {
    let [channels, height, width] = shape;
    let start = (channel * height + row) * width;
    match planes.get(start..start + width) {
        Some(values) if channel < channels && row < height => Ok(values),
        _ => Err(Error::Other(format!(
            "an augmentation asks for row {row} of channel {channel} of an image of shape {shape:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns rows upside down, and adds their number and that of their channel.
    struct Flip {
        height: usize,
    }

    impl ByRow for Flip {
        fn source(&self, row: usize) -> Option<usize> {
            Some(self.height - 1 - row)
        }

        fn change(&self, channel: usize, row: usize, values: &mut Vec<f32>) {
            let sum = (10 * channel + row) as f32;
            values.iter_mut().for_each(|value| *value += sum);
        }
    }

    /// Puts a row of `filling` before the others.
    struct Above {
        filling: Vec<f32>,
    }

    impl ByRow for Above {
        fn source(&self, row: usize) -> Option<usize> {
            row.checked_sub(1)
        }

        fn change(&self, _: usize, row: usize, values: &mut Vec<f32>) {
            if row == 0 {
                assert!(values.is_empty());
                values.extend(&self.filling);
            }
        }
    }

    fn above(filling: &[f32]) -> Box<dyn ByRow> {
        Box::new(Above {
            filling: filling.to_vec(),
        })
    }

    fn image() -> Image {
        Image {
            shape: [2, 2, 3],
            data: (0..12).map(|value| (100 * value) as f32).collect(),
        }
    }

    fn run(steps: &[Box<dyn ByRow>], shape: [usize; 3]) -> Result<Vec<f32>> {
        let image = image();
        let mut to = vec![-1.0; shape.iter().product()];
        let read = |channel, row, values: &mut Vec<f32>| {
            values.extend(row_of(&image.data, image.shape, channel, row)?);
            Ok(())
        };
        by_row(steps, read, shape, &mut to)?;
        Ok(to)
    }

    #[test]
    fn without_a_step_an_image_stays_what_it_is() -> Result<()> {
        assert_eq!(run(&[], [2, 2, 3])?, image().data);
        Ok(())
    }

    #[test]
    fn each_step_sees_the_rows_of_the_one_before_it() -> Result<()> {
        let steps = [above(&[1.0, 2.0, 3.0]), Box::new(Flip { height: 3 })];
        #[rustfmt::skip]
        let expected = [
            300.0, 400.0, 500.0,
            1.0, 101.0, 201.0,
            3.0, 4.0, 5.0,
            910.0, 1010.0, 1110.0,
            611.0, 711.0, 811.0,
            13.0, 14.0, 15.0,
        ];
        assert_eq!(run(&steps, [2, 3, 3])?, expected);
        Ok(())
    }

    #[test]
    fn one_step_alone_does_the_same_to_an_image() -> Result<()> {
        let changed = image().changed_by_row(Flip { height: 2 }, [2, 2, 3])?;
        assert_eq!(changed.shape, [2, 2, 3]);
        let steps: [Box<dyn ByRow>; 1] = [Box::new(Flip { height: 2 })];
        assert_eq!(changed.data, run(&steps, [2, 2, 3])?);
        Ok(())
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        for (steps, shape, part) in [
            (vec![above(&[1.0])], [2, 3, 3], "a row of 1 values"),
            (vec![], [2, 3, 3], "row 2 of channel 0"),
            (vec![], [3, 2, 3], "row 0 of channel 2"),
            (vec![], [2, 2, 2], "promised 2"),
        ] {
            let error = run(&steps, shape).expect_err("no such rows").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
