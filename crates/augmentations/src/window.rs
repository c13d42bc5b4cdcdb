//! A rectangle of an image: where it lies, and how it is cut out and mirrored.

use ablate_core::{ByRow, Image, Result};

/// A rectangle in the coordinates of an image that has `padding` zeros added on
/// every side and `rows` of its own: `top` and `left` count from the padded corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
    pub padding: usize,
    pub rows: usize,
}

impl Window {
    /// The rectangle as an image of its own, `[C, height, width]`. The rectangle must
    /// lie within the padded image.
    ///
    /// # Errors
    /// The image has fewer values than its shape says.
    pub fn cut(self, image: &Image) -> Result<Image> {
        image.changed_by_row(self, [image.shape[0], self.height, self.width])
    }
}

/// What lies in the padding is zero.
impl ByRow for Window {
    fn source(&self, row: usize) -> Option<usize> {
        let row = (self.top + row).checked_sub(self.padding);
        row.filter(|row| *row < self.rows)
    }

    fn change(&self, _: usize, _: usize, values: &mut Vec<f32>) {
        // Columns of the window left of the image, and the image's left of the window.
        let before = self.padding.saturating_sub(self.left).min(self.width);
        let first = self.left.saturating_sub(self.padding).min(values.len());
        values.truncate(first + self.width - before);
        values.drain(..first);
        values.resize(values.len() + before, 0.0);
        values.rotate_right(before);
        values.resize(self.width, 0.0);
    }
}

/// Mirrors an image left to right, in place.
pub(crate) fn reflect(image: &mut Image) {
    let width = image.shape[2];
    for row in image.data.chunks_exact_mut(width) {
        row.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One padded pixel at a time, straight from the definition.
    fn naive(window: Window, image: &Image) -> Vec<f32> {
        let [channels, height, width] = image.shape;
        let mut data = Vec::new();
        for channel in 0..channels {
            for row in window.top..window.top + window.height {
                for column in window.left..window.left + window.width {
                    let row = row as isize - window.padding as isize;
                    let column = column as isize - window.padding as isize;
                    let inside = (0..height as isize).contains(&row)
                        && (0..width as isize).contains(&column);
                    data.push(if inside {
                        image.data[(channel * height + row as usize) * width + column as usize]
                    } else {
                        0.0
                    });
                }
            }
        }
        data
    }

    #[test]
    fn every_window_of_a_padded_image_is_cut_as_defined() {
        let image = Image {
            shape: [2, 3, 4],
            data: (1..=24).map(|value| value as f32).collect(),
        };
        for padding in 0..=3 {
            let (padded_height, padded_width) = (3 + 2 * padding, 4 + 2 * padding);
            for height in 1..=padded_height {
                for width in 1..=padded_width {
                    for top in 0..=padded_height - height {
                        for left in 0..=padded_width - width {
                            let window = Window {
                                top,
                                left,
                                height,
                                width,
                                padding,
                                rows: 3,
                            };
                            let cut = window.cut(&image).expect("within the image");
                            assert_eq!(cut.shape, [2, height, width]);
                            assert_eq!(cut.data, naive(window, &image), "{window:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn reflecting_reverses_each_row() {
        let mut image = Image {
            shape: [1, 2, 3],
            data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        reflect(&mut image);
        assert_eq!(image.data, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }
}
