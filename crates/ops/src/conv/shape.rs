//! The sizes of a convolution, checked once.

use crate::lanes::Lanes;

/// Why sizes do not make a convolution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvShapeError {
    /// A size that must be at least one is zero.
    #[error("convolution: {0} must be at least 1")]
    Zero(&'static str),
    /// The channels cannot be dealt out evenly to the groups.
    #[error("convolution: {channels} {which} channels cannot be divided into {groups} groups")]
    Groups {
        /// `input` or `output`.
        which: &'static str,
        /// How many channels there are.
        channels: usize,
        /// How many groups were asked for.
        groups: usize,
    },
    /// The kernel does not fit into the padded input.
    #[error(
        "convolution: kernel {kernel} is larger than the padded input {input} + 2 * {padding} \
         ({axis}); use a smaller kernel or more padding"
    )]
    Kernel {
        /// `height` or `width`.
        axis: &'static str,
        /// The kernel's extent.
        kernel: usize,
        /// The input's extent.
        input: usize,
        /// The zeros added on each side.
        padding: usize,
    },
    /// A size, or a product of sizes, that memory cannot have.
    #[error("convolution: {0} is too large for any memory; use smaller sizes")]
    TooLarge(&'static str),
}

/// The largest size, stride or padding. Sixteen times the product of two does
/// not overflow, and the kernels multiply no more than that unchecked.
const LARGEST: usize = 1 << (usize::BITS / 2 - 4);

/// The most values that a slice can hold for each of sixteen images.
const LONGEST: usize = isize::MAX as usize / size_of::<Lanes>();

/// The sizes of one convolution. Pairs are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Channels of the input, over all groups.
    pub in_channels: usize,
    /// Channels (filters) of the output, over all groups.
    pub out_channels: usize,
    /// Into how many independent convolutions the channels are split
    /// (paper, section 3.5: two in conv2, conv4 and conv5).
    pub groups: usize,
    /// Extent of a filter.
    pub kernel: [usize; 2],
    /// Step between two applications of a filter.
    pub stride: [usize; 2],
    /// Zeros added on each side of the input.
    pub padding: [usize; 2],
    /// Extent of the input image.
    pub input: [usize; 2],
}

impl ConvShape {
    /// The shape with its sizes checked.
    ///
    /// # Errors
    /// See [`check`](Self::check).
    pub fn new(
        [in_channels, out_channels]: [usize; 2],
        groups: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        input: [usize; 2],
    ) -> Result<Self, ConvShapeError> {
        let shape = Self {
            in_channels,
            out_channels,
            groups,
            kernel,
            stride,
            padding,
            input,
        };
        shape.check()?;
        Ok(shape)
    }

    /// Whether the sizes make a convolution with at least one output pixel, and
    /// one whose operands can be addressed.
    ///
    /// # Errors
    /// A size is zero or far too large, the groups do not divide the channels,
    /// or the kernel is larger than the padded input.
    pub fn check(&self) -> Result<(), ConvShapeError> {
        self.check_sizes()?;
        for (which, channels) in [("input", self.in_channels), ("output", self.out_channels)] {
            if channels % self.groups != 0 {
                return Err(ConvShapeError::Groups {
                    which,
                    channels,
                    groups: self.groups,
                });
            }
        }
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            if self.kernel[axis] > self.input[axis] + 2 * self.padding[axis] {
                return Err(ConvShapeError::Kernel {
                    axis: name,
                    kernel: self.kernel[axis],
                    input: self.input[axis],
                    padding: self.padding[axis],
                });
            }
        }
        self.check_lengths()
    }

    /// Whether each size by itself is possible.
    fn check_sizes(&self) -> Result<(), ConvShapeError> {
        let positive = [
            ("the number of input channels", self.in_channels),
            ("the number of output channels", self.out_channels),
            ("the number of groups", self.groups),
            ("the kernel height", self.kernel[0]),
            ("the kernel width", self.kernel[1]),
            ("the vertical stride", self.stride[0]),
            ("the horizontal stride", self.stride[1]),
            ("the input height", self.input[0]),
            ("the input width", self.input[1]),
        ];
        if let Some((what, _)) = positive.iter().find(|(_, size)| *size == 0) {
            return Err(ConvShapeError::Zero(what));
        }
        let padding = [
            ("the vertical padding", self.padding[0]),
            ("the horizontal padding", self.padding[1]),
        ];
        let mut sizes = positive.iter().chain(&padding);
        match sizes.find(|(_, size)| *size > LARGEST) {
            Some((what, _)) => Err(ConvShapeError::TooLarge(what)),
            None => Ok(()),
        }
    }

    /// Whether the kernels can index every operand; what they do without
    /// looking at bounds relies on it.
    fn check_lengths(&self) -> Result<(), ConvShapeError> {
        let ([height, width], [out_height, out_width]) = (self.input, self.output());
        let filter = self.group_inputs() * self.kernel[0];
        let operands = [
            ("the input", [self.in_channels, height, width]),
            ("the output", [self.out_channels, out_height, out_width]),
            ("the weights", [self.out_channels, filter, self.kernel[1]]),
        ];
        for (what, sizes) in operands {
            let len = (sizes.iter()).try_fold(1_usize, |len, size| len.checked_mul(*size));
            if len.is_none_or(|len| len > LONGEST) {
                return Err(ConvShapeError::TooLarge(what));
            }
        }
        Ok(())
    }

    /// Extent of the output image, `[height, width]`, of a checked shape.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            (self.input[axis] + 2 * self.padding[axis] - self.kernel[axis]) / self.stride[axis] + 1
        })
    }

    /// Input channels each filter sees.
    pub fn group_inputs(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Filters of each group.
    pub fn group_outputs(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Floats of one input image, `C * H * W`.
    pub fn input_len(&self) -> usize {
        self.in_channels * self.input[0] * self.input[1]
    }

    /// Floats of one output image, `O * H' * W'`.
    pub fn output_len(&self) -> usize {
        let [height, width] = self.output();
        self.out_channels * height * width
    }

    /// Floats of the weights `[O, C / groups, kH, kW]`.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.group_inputs() * self.kernel[0] * self.kernel[1]
    }

    /// Multiply-add operations of the forward pass of one image, the usual
    /// count that includes multiplications by padding.
    pub fn multiply_adds(&self) -> usize {
        let [height, width] = self.output();
        self.weight_len() * height * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv1() -> ConvShape {
        ConvShape::new([3, 96], 1, [11, 11], [4, 4], [2, 2], [224, 224]).expect("valid")
    }

    #[test]
    fn output_follows_stride_and_padding() {
        assert_eq!(conv1().output(), [55, 55]);
        assert_eq!(conv1().multiply_adds(), 96 * 363 * 55 * 55);
    }

    #[test]
    fn bad_sizes_are_named() {
        let groups = ConvShape {
            groups: 2,
            ..conv1()
        };
        assert!(
            groups
                .check()
                .is_err_and(|error| error.to_string().contains("3 input channels"))
        );
        let kernel = ConvShape {
            input: [224, 6],
            ..conv1()
        };
        assert!(
            kernel
                .check()
                .is_err_and(|error| error.to_string().contains("kernel 11"))
        );
        let stride = ConvShape {
            stride: [0, 1],
            ..conv1()
        };
        assert_eq!(
            stride.check(),
            Err(ConvShapeError::Zero("the vertical stride"))
        );
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let too_large = |shape: ConvShape| match shape.check() {
            Err(ConvShapeError::TooLarge(what)) => what,
            other => panic!("{shape:?}: {other:?}"),
        };
        // The true lengths are multiples of 2^usize::BITS and would wrap to zero.
        let half = 1 << (usize::BITS / 4);
        let input = ConvShape {
            in_channels: half * half / 16,
            out_channels: 1,
            kernel: [1, 1],
            input: [4 * half, 4 * half],
            ..conv1()
        };
        assert_eq!(too_large(input), "the input");
        let weights = ConvShape {
            in_channels: 1,
            out_channels: half * half / 16,
            kernel: input.input,
            padding: [0, 0],
            ..input
        };
        assert_eq!(too_large(weights), "the weights");
        let output = ConvShape {
            out_channels: weights.out_channels,
            stride: [1, 1],
            padding: [2 * half, 2 * half],
            input: [1, 1],
            kernel: [1, 1],
            ..weights
        };
        assert_eq!(too_large(output), "the output");
        // As many bytes as can be had, and some too many, by the input's channels and by
        // the filters' rows.
        let one = ConvShape {
            in_channels: 1,
            out_channels: 1,
            stride: [1, 1],
            ..output
        };
        let rows = LARGEST;
        let filters = |columns| ConvShape {
            in_channels: 2,
            kernel: [rows, columns],
            input: [rows, columns],
            padding: [0, 0],
            out_channels: LONGEST / rows / columns / 2,
            ..one
        };
        for columns in [2, 3, 64] {
            let fits = filters(columns);
            assert_eq!(fits.check(), Ok(()), "{fits:?}");
            let out_channels = fits.out_channels + 1;
            let weights = ConvShape {
                out_channels,
                ..fits
            };
            assert_eq!(too_large(weights), "the weights");
        }
        // Twice the padding would wrap to zero.
        let padding = ConvShape {
            padding: [0, 1 << (usize::BITS - 1)],
            ..conv1()
        };
        assert_eq!(too_large(padding), "the horizontal padding");
        let stride = ConvShape {
            stride: [usize::MAX, 4],
            ..conv1()
        };
        assert_eq!(too_large(stride), "the vertical stride");
    }
}
