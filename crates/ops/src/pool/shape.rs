//! The sizes of a max-pooling, checked once.

/// Why sizes do not make a max-pooling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolShapeError {
    /// A size that must be at least one is zero.
    #[error("max-pool: {0} must be at least 1")]
    Zero(&'static str),
    /// Some windows would hold nothing but padding.
    #[error(
        "max-pool: padding {padding} is more than half of the window {kernel} ({axis}); \
         use at most {}", kernel / 2
    )]
    Padding {
        /// `height` or `width`.
        axis: &'static str,
        /// The window's extent.
        kernel: usize,
        /// What was to be added on each side.
        padding: usize,
    },
    /// The window does not fit into the padded input.
    #[error(
        "max-pool: window {kernel} is larger than the padded input {input} + 2 * {padding} \
         ({axis}); use a smaller window or a larger image"
    )]
    Kernel {
        /// `height` or `width`.
        axis: &'static str,
        /// The window's extent.
        kernel: usize,
        /// The input's extent.
        input: usize,
        /// What is added on each side.
        padding: usize,
    },
    /// The places of a window cannot be numbered in 16 bits.
    #[error("max-pool: a window of {height}x{width} is too large; use at most 256x256")]
    Window {
        /// The window's height.
        height: usize,
        /// The window's width.
        width: usize,
    },
    /// No memory could hold the planes.
    #[error("max-pool: {channels} channels of {height}x{width} are too many for any memory")]
    Channels {
        /// How many channels there are.
        channels: usize,
        /// The height of a plane.
        height: usize,
        /// The width of a plane.
        width: usize,
    },
    /// The places of an input plane cannot be numbered in 32 bits.
    #[error("max-pool: an input of {height}x{width} is too large; split the image")]
    TooLarge {
        /// The input's height.
        height: usize,
        /// The input's width.
        width: usize,
    },
}

/// The sizes of one max-pooling. Pairs are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Channels of input and output.
    pub channels: usize,
    /// Extent of the input image.
    pub input: [usize; 2],
    /// Extent of the window (paper: `z`).
    pub kernel: [usize; 2],
    /// Step between two windows (paper: `s`); less than the window means
    /// overlapping pooling.
    pub stride: [usize; 2],
    /// Places added on each side of the input; they never win.
    pub padding: [usize; 2],
}

impl PoolShape {
    /// The shape with its sizes checked.
    ///
    /// # Errors
    /// See [`check`](Self::check).
    pub fn new(
        channels: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        input: [usize; 2],
    ) -> Result<Self, PoolShapeError> {
        let shape = Self {
            channels,
            input,
            kernel,
            stride,
            padding,
        };
        shape.check()?;
        Ok(shape)
    }

    /// Whether the sizes make a max-pooling with at least one window, each of
    /// which holds at least one value.
    ///
    /// # Errors
    /// A size is zero, the padding is more than half of the window, the window
    /// is larger than the padded input, the input has 2^32 places or more, or all
    /// channels together more values than can be counted.
    pub fn check(&self) -> Result<(), PoolShapeError> {
        let positive = [
            ("the number of channels", self.channels),
            ("the window height", self.kernel[0]),
            ("the window width", self.kernel[1]),
            ("the vertical stride", self.stride[0]),
            ("the horizontal stride", self.stride[1]),
            ("the input height", self.input[0]),
            ("the input width", self.input[1]),
        ];
        if let Some((what, _)) = positive.iter().find(|(_, size)| *size == 0) {
            return Err(PoolShapeError::Zero(what));
        }
        let [height, width] = self.kernel;
        // A place in a window is kept in 16 bits, see `Winners`.
        if height
            .checked_mul(width)
            .is_none_or(|places| places > 1 << u16::BITS)
        {
            return Err(PoolShapeError::Window { height, width });
        }
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            let (kernel, input, padding) =
                (self.kernel[axis], self.input[axis], self.padding[axis]);
            if padding > kernel / 2 {
                return Err(PoolShapeError::Padding {
                    axis: name,
                    kernel,
                    padding,
                });
            }
            // The padding is at most half of the window: this cannot overflow.
            if kernel - padding > input.saturating_add(padding) {
                return Err(PoolShapeError::Kernel {
                    axis: name,
                    kernel,
                    input,
                    padding,
                });
            }
        }
        let [height, width] = self.input;
        let Some(Ok(_)) = height.checked_mul(width).map(u32::try_from) else {
            return Err(PoolShapeError::TooLarge { height, width });
        };
        for [height, width] in [self.input, self.output()] {
            // As floats, of which no more than `isize::MAX` bytes can be had.
            let values = (height * width).checked_mul(self.channels);
            if values.is_none_or(|values| values > isize::MAX as usize / size_of::<f32>()) {
                return Err(PoolShapeError::Channels {
                    channels: self.channels,
                    height,
                    width,
                });
            }
        }
        Ok(())
    }

    /// Extent of the output image, `[height, width]`, of a checked shape:
    /// windows that would stick out at the end are left out, as PyTorch does
    /// by default.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            (self.input[axis] + 2 * self.padding[axis] - self.kernel[axis]) / self.stride[axis] + 1
        })
    }

    /// Floats of one input image, `C * H * W`.
    pub fn input_len(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    /// Floats of one output image, `C * H' * W'`.
    pub fn output_len(&self) -> usize {
        let [height, width] = self.output();
        self.channels * height * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_rounded_down() {
        let paper = PoolShape::new(96, [3, 3], [2, 2], [0, 0], [55, 55]);
        assert_eq!(paper.map(|shape| shape.output()), Ok([27, 27]));
        let padded = PoolShape::new(32, [3, 2], [2, 3], [1, 1], [32, 33]);
        assert_eq!(padded.map(|shape| shape.output()), Ok([16, 12]));
        let whole = PoolShape::new(1, [4, 4], [9, 9], [2, 2], [1, 1]);
        assert_eq!(whole.map(|shape| shape.output()), Ok([1, 1]));
    }

    #[test]
    fn bad_sizes_are_named() {
        let message = |kernel, stride, padding, input| {
            PoolShape::new(1, kernel, stride, padding, input)
                .expect_err("must not be accepted")
                .to_string()
        };
        let zero = message([3, 3], [1, 0], [0, 0], [9, 9]);
        assert!(zero.contains("horizontal stride"), "{zero}");
        let padding = message([3, 5], [1, 1], [2, 2], [9, 9]);
        assert!(padding.contains("use at most 1"), "{padding}");
        let kernel = message([3, 3], [1, 1], [0, 0], [9, 2]);
        assert!(
            kernel.contains("window 3") && kernel.contains("width"),
            "{kernel}"
        );
        let large = message([1, 1], [1, 1], [0, 0], [1 << 20, 1 << 20]);
        assert!(large.contains("too large"), "{large}");
        for kernel in [[257, 256], [1, 1 << 36], [usize::MAX; 2]] {
            let window = message(kernel, [1, 1], [0, 0], [300, 300]);
            assert!(window.contains("window of"), "{window}");
        }
        let fits = PoolShape::new(1, [256, 256], [1, 1], [128, 128], [256, 256]);
        assert_eq!(fits.map(|shape| shape.output()), Ok([257, 257]));
        let many = PoolShape::new(usize::MAX / 4, [2, 2], [2, 2], [0, 0], [4, 4]);
        let many = many.expect_err("no memory holds them").to_string();
        assert!(many.contains("channels of 4x4"), "{many}");
        // As many bytes as can be had, and four too many.
        let most = isize::MAX as usize / 4;
        let of = |channels| PoolShape::new(channels, [1, 1], [1, 1], [0, 0], [1, 1]);
        assert!(of(most).is_ok() && of(most + 1).is_err());
        let of = |channels| PoolShape::new(channels, [1, 1], [1, 1], [0, 0], [2, 2]);
        assert!(of(most / 4).is_ok() && of(most / 4 + 1).is_err());
    }
}
