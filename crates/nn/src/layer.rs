//! The lines of a network's table, before any shape is known.

use ablate_ops::{Activation, Lrn};

use crate::LayerInit;

/// A convolution over square kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Number of kernels: output channels.
    pub kernels: usize,
    /// Height and width of a kernel.
    pub size: usize,
    /// Step between neighbouring outputs.
    pub stride: usize,
    /// Zeros put around the input.
    pub padding: usize,
    /// Towers that do not see each other: input and output channels are split
    /// into this many groups (paper, section 3.2).
    pub groups: usize,
}

/// A max-pooling over square windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Height and width of a window: z in the paper's section 3.4.
    pub size: usize,
    /// Step between neighbouring windows: s in the paper's section 3.4.
    pub stride: usize,
    /// Rows and columns put around the input; they never win.
    pub padding: usize,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layer {
    Conv2d {
        name: String,
        conv: Conv2d,
        init: LayerInit,
    },
    Linear {
        name: String,
        outputs: usize,
        init: LayerInit,
    },
    Activation(Activation),
    LocalResponseNorm(Lrn),
    MaxPool2d(MaxPool2d),
    Dropout {
        name: String,
        rate: f64,
    },
    Flatten,
    Features,
}
