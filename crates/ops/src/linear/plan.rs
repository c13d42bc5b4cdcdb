//! The fully connected layer over batches laid out as [`Lanes`], the fast form.

use rayon::prelude::*;

use super::operands::{Matrix, Operands};
#[cfg(target_arch = "x86_64")]
use super::tiles;
use super::{forward, input_gradient, weight_gradient};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::vector::{Bf16, F32};
use crate::{Activation, Level, Precision, level};

/// Inputs that one task of a gradient takes.
pub(super) const COLUMNS: usize = 256;

/// Outputs that one task of the forward pass takes at most.
const OUTPUTS: usize = 96;

/// A fully connected layer.
///
/// Activations are `[blocks, features]` of [`Lanes`], sixteen images a block;
/// what a convolution leaves behind as `[blocks, C, H, W]` is that already.
/// Weights are read as they are, `[outputs, inputs]`. All methods are parallel
/// over the layer's inputs or outputs, so that every sum has one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearPlan {
    inputs: usize,
    outputs: usize,
    precision: Precision,
    level: Level,
}

impl LinearPlan {
    /// A layer of these sizes for this machine's best instruction set.
    pub fn new(inputs: usize, outputs: usize, precision: Precision) -> Self {
        Self::at_level(inputs, outputs, precision, level())
    }

    /// A layer for a given instruction set, or for the best below it that this machine has.
    pub fn at_level(inputs: usize, outputs: usize, precision: Precision, level: Level) -> Self {
        Self {
            inputs,
            outputs,
            precision,
            level: level.or_best(),
        }
    }

    /// Whether the tiles of AMX do the work.
    #[cfg(target_arch = "x86_64")]
    fn has_tiles(&self) -> bool {
        self.precision == Precision::Bf16 && self.level == Level::Amx
    }

    /// Blocks of images in `x` and in `y`, whose lengths it checks with that of `w`.
    fn check(&self, x: usize, w: usize, y: usize) -> usize {
        assert!(
            self.inputs > 0 && self.outputs > 0,
            "LinearPlan: no inputs or no outputs"
        );
        assert_eq!(
            Some(w),
            self.inputs.checked_mul(self.outputs),
            "LinearPlan: the weights have the wrong length"
        );
        let blocks = x / self.inputs;
        assert_eq!(
            x,
            blocks * self.inputs,
            "LinearPlan: the input has the wrong length"
        );
        assert_eq!(
            Some(y),
            blocks.checked_mul(self.outputs),
            "LinearPlan: the output has the wrong length"
        );
        blocks
    }

    /// `y = act(x w^T + bias)`.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward(
        &self,
        x: &[Lanes],
        w: &[f32],
        bias: Option<&[f32]>,
        act: Activation,
        y: &mut [Lanes],
    ) {
        self.check(x.len(), w.len(), y.len());
        let bias_len = bias.map_or(self.outputs, <[f32]>::len);
        assert_eq!(
            bias_len, self.outputs,
            "LinearPlan: `bias` has the wrong length"
        );
        #[cfg(target_arch = "x86_64")]
        if self.has_tiles() {
            let sizes = [self.inputs, self.outputs];
            // SAFETY: the level is available, the lengths are checked.
            return unsafe { tiles::forward(sizes, x, w, bias, act, y) };
        }
        match self.precision {
            Precision::F32 => self.forward_of::<F32>(x, w, bias, act, y),
            Precision::Bf16 => self.forward_of::<Bf16>(x, w, bias, act, y),
        }
    }

    fn forward_of<E: Operands>(
        &self,
        x: &[Lanes],
        w: &[f32],
        bias: Option<&[f32]>,
        act: Activation,
        y: &mut [Lanes],
    ) {
        let x = &*E::features(self.level, self.inputs, x);
        let y = Shared::new(y);
        let fair = self.outputs.div_ceil(4 * rayon::current_num_threads());
        (ranges(self.outputs, fair.next_multiple_of(6).min(OUTPUTS))).for_each(|range| {
            let task = forward::Task::<E> {
                inputs: self.inputs,
                outputs: self.outputs,
                range,
                x,
                w,
                bias,
                act,
                y,
            };
            // SAFETY: the level is available, the lengths are checked, and
            // tasks differ in their outputs.
            unsafe { forward::forward(self.level, &task) }
        });
    }

    /// Overwrites `gx` with the gradient of the input, from `gz`, the gradient
    /// before the activation.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn input_gradient(&self, gz: &[Lanes], w: &[f32], gx: &mut [Lanes]) {
        self.check(gx.len(), w.len(), gz.len());
        #[cfg(target_arch = "x86_64")]
        if self.has_tiles() {
            // SAFETY: the level is available, the lengths are checked.
            return unsafe { tiles::input_gradient([self.inputs, self.outputs], gz, w, gx) };
        }
        match self.precision {
            Precision::F32 => self.input_gradient_of::<F32>(gz, w, gx),
            Precision::Bf16 => self.input_gradient_of::<Bf16>(gz, w, gx),
        }
    }

    fn input_gradient_of<E: Operands>(&self, gz: &[Lanes], w: &[f32], gx: &mut [Lanes]) {
        let gz = &*E::features(self.level, self.outputs, gz);
        let w = Matrix {
            values: w,
            width: self.inputs,
        };
        let gx = Shared::new(gx);
        ranges(self.inputs, COLUMNS).for_each(|range| {
            let task = input_gradient::Task::<E> {
                inputs: self.inputs,
                outputs: self.outputs,
                range,
                gz,
                w,
                gx,
            };
            // SAFETY: the level is available, the lengths are checked, and
            // tasks differ in their inputs.
            unsafe { input_gradient::input_gradient(self.level, &task) }
        });
    }

    /// Overwrites `gw` with the gradient of the weights, from `gz`, the
    /// gradient before the activation, of the first `batch` images. Writing is
    /// fastest where `gw` is aligned to 64 bytes, as [`Lanes`] are, and the
    /// number of inputs is a multiple of sixteen.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn weight_gradient(&self, batch: usize, x: &[Lanes], gz: &[Lanes], gw: &mut [f32]) {
        let blocks = self.check(x.len(), gw.len(), gz.len());
        assert_eq!(
            blocks,
            Lanes::blocks(batch),
            "LinearPlan: `batch` does not fit the blocks"
        );
        if batch == 0 {
            return gw.fill(0.0);
        }
        #[cfg(target_arch = "x86_64")]
        if self.has_tiles() {
            let sizes = [batch, self.inputs, self.outputs];
            // SAFETY: the level is available, the lengths are checked.
            return unsafe { tiles::weight_gradient(sizes, x, gz, gw) };
        }
        match self.precision {
            Precision::F32 => self.weight_gradient_of::<F32>(batch, x, gz, gw),
            Precision::Bf16 => self.weight_gradient_of::<Bf16>(batch, x, gz, gw),
        }
    }

    fn weight_gradient_of<E: Operands>(
        &self,
        batch: usize,
        x: &[Lanes],
        gz: &[Lanes],
        gw: &mut [f32],
    ) {
        let gz = &*E::images(self.level, batch, self.outputs, gz);
        let gw = Shared::new(gw);
        ranges(self.inputs, COLUMNS).for_each(|range| {
            let task = weight_gradient::Task::<E> {
                inputs: self.inputs,
                outputs: self.outputs,
                batch,
                range,
                x,
                gz,
                gw,
            };
            // SAFETY: the level is available, the lengths are checked, and
            // tasks differ in their inputs.
            unsafe { weight_gradient::weight_gradient(self.level, &task) }
        });
    }
}

/// `0..len` in ranges of `step`, in parallel.
pub(super) fn ranges(
    len: usize,
    step: usize,
) -> impl ParallelIterator<Item = std::ops::Range<usize>> {
    (0..len.div_ceil(step))
        .into_par_iter()
        .map(move |index| index * step..((index + 1) * step).min(len))
}
