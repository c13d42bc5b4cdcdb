//! The sizes of a convolution, checked once.

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
}

/// The sizes of one convolution. Pairs are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Whether the sizes make a convolution with at least one output pixel.
    pub fn check(&self) -> Result<(), ConvShapeError> {
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
}
