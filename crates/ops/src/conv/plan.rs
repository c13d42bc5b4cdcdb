//! A convolution over batches laid out as [`Lanes`], the fast form.

use rayon::prelude::*;

use super::correlate::{self, correlate};
use super::packing::{PackedWeights, channel_blocks};
use super::pass::Pass;
use super::weight_gradient::{self, Geometry, accumulate};
use super::{ConvShape, ConvShapeError};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::{Activation, Level, level};

/// A convolution with its weights packed for the kernels.
///
/// Activations are `[blocks, channels, height, width]` of [`Lanes`], sixteen
/// images a block. Pack the weights after every change to them; then any
/// number of blocks can be computed, all at once in parallel, or one at a time
/// on the calling thread (`*_block`), so that a caller can take one block
/// through several layers while it is in the cache.
#[derive(Debug)]
pub struct ConvPlan {
    shape: ConvShape,
    level: Level,
    forward: Pass,
    backward: Pass,
    forward_weights: PackedWeights,
    backward_weights: PackedWeights,
    weight_geometry: Geometry,
}

impl ConvPlan {
    /// A plan for this machine's best instruction set.
    ///
    /// # Errors
    /// When the shape does not [check](ConvShape::check).
    pub fn new(shape: ConvShape) -> Result<Self, ConvShapeError> {
        Self::at_level(shape, level())
    }

    /// A plan for a given instruction set, or for the best below it that this machine has.
    ///
    /// # Errors
    /// When the shape does not [check](ConvShape::check).
    pub fn at_level(shape: ConvShape, level: Level) -> Result<Self, ConvShapeError> {
        shape.check()?;
        let (forward, backward) = (Pass::forward(&shape), Pass::input_gradient(&shape));
        let level = Level::available()
            .into_iter()
            .rfind(|found| *found <= level);
        let level = level.unwrap_or(Level::Portable);
        let widest = correlate::widest(level);
        Ok(Self {
            shape,
            level,
            forward_weights: PackedWeights::new(&forward, widest),
            backward_weights: PackedWeights::new(&backward, widest),
            forward,
            backward,
            weight_geometry: Geometry::new(&shape),
        })
    }

    /// The sizes of the convolution.
    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Takes over the weights `[O, C / groups, kH, kW]` for the forward pass.
    ///
    /// # Panics
    /// When `w` has the wrong length.
    pub fn pack_forward(&mut self, w: &[f32]) {
        assert_eq!(
            w.len(),
            self.shape.weight_len(),
            "ConvPlan: `w` has the wrong length"
        );
        let (filters, inputs) = (self.shape.group_outputs(), self.shape.group_inputs());
        let taps = self.forward.taps();
        self.forward_weights
            .pack(&self.forward, w, |[group, filter, input]| {
                ((group * filters + filter) * inputs + input) * taps
            });
    }

    /// Takes over the weights `[O, C / groups, kH, kW]` for the input gradient.
    ///
    /// # Panics
    /// When `w` has the wrong length.
    pub fn pack_backward(&mut self, w: &[f32]) {
        assert_eq!(
            w.len(),
            self.shape.weight_len(),
            "ConvPlan: `w` has the wrong length"
        );
        let (filters, inputs) = (self.shape.group_outputs(), self.shape.group_inputs());
        let taps = self.backward.taps();
        self.backward_weights
            .pack(&self.backward, w, |[group, input, filter]| {
                ((group * filters + filter) * inputs + input) * taps
            });
    }

    /// `y = act(conv(x) + bias)` of all blocks, in parallel.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_forward`].
    pub fn forward(&self, x: &[Lanes], bias: Option<&[f32]>, act: Activation, y: &mut [Lanes]) {
        self.check_bias(bias);
        run(
            self.level,
            &self.forward,
            &self.forward_weights,
            x,
            bias,
            act,
            y,
            true,
        );
    }

    /// [`Self::forward`] on the calling thread alone.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_forward`].
    pub fn forward_block(
        &self,
        x: &[Lanes],
        bias: Option<&[f32]>,
        act: Activation,
        y: &mut [Lanes],
    ) {
        self.check_bias(bias);
        run(
            self.level,
            &self.forward,
            &self.forward_weights,
            x,
            bias,
            act,
            y,
            false,
        );
    }

    fn check_bias(&self, bias: Option<&[f32]>) {
        let len = bias.map_or(self.shape.out_channels, <[f32]>::len);
        assert_eq!(
            len, self.shape.out_channels,
            "ConvPlan: `bias` has the wrong length"
        );
    }

    /// Overwrites `gx` with the gradient of the input, from `gz`, the gradient
    /// before the activation; all blocks in parallel.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_backward`].
    pub fn input_gradient(&self, gz: &[Lanes], gx: &mut [Lanes]) {
        let act = Activation::Identity;
        run(
            self.level,
            &self.backward,
            &self.backward_weights,
            gz,
            None,
            act,
            gx,
            true,
        );
    }

    /// [`Self::input_gradient`] on the calling thread alone.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_backward`].
    pub fn input_gradient_block(&self, gz: &[Lanes], gx: &mut [Lanes]) {
        let act = Activation::Identity;
        run(
            self.level,
            &self.backward,
            &self.backward_weights,
            gz,
            None,
            act,
            gx,
            false,
        );
    }

    /// Adds the gradient of the weights to `gw`, `[O, C / groups, kH, kW]`, from
    /// `gz`, the gradient before the activation, of all blocks. Parallel over
    /// the weights, so that the sum has one order whatever the thread count.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn add_weight_gradient(&self, x: &[Lanes], gz: &[Lanes], gw: &mut [f32]) {
        self.add_weight_gradient_of(x, gz, gw, true);
    }

    /// [`Self::add_weight_gradient`] on the calling thread alone.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn add_weight_gradient_block(&self, x: &[Lanes], gz: &[Lanes], gw: &mut [f32]) {
        self.add_weight_gradient_of(x, gz, gw, false);
    }

    fn add_weight_gradient_of(&self, x: &[Lanes], gz: &[Lanes], gw: &mut [f32], parallel: bool) {
        assert_eq!(
            gw.len(),
            self.shape.weight_len(),
            "ConvPlan: `gw` has the wrong length"
        );
        let [filters, _] = weight_gradient::widest(self.level);
        let channels = self.weight_geometry.channels_per_task(self.level);
        let (inputs, kernel_rows) = (self.shape.group_inputs(), self.shape.kernel[0]);
        let filters = channel_blocks(self.shape.groups, self.shape.group_outputs(), filters);
        let tiles: Vec<_> = (filters.iter())
            .flat_map(|filters| {
                (0..inputs)
                    .step_by(channels)
                    .map(move |first| (*filters, first))
            })
            .collect();
        let pieces = match parallel {
            true => pieces(tiles.len(), kernel_rows),
            false => 1,
        };
        let gw = Shared::new(gw);
        let task = |index: usize| {
            let (filters, channel) = tiles[index / pieces];
            let task = weight_gradient::Task {
                geometry: &self.weight_geometry,
                filters,
                channels: channel..(channel + channels).min(inputs),
                kernel_rows: piece(kernel_rows, pieces, index % pieces),
                x,
                gz,
                gw,
            };
            // SAFETY: the level is available; tasks differ in filter, channel or kernel row.
            unsafe { accumulate(self.level, &task) }
        };
        let tasks = 0..tiles.len() * pieces;
        match parallel {
            true => tasks.into_par_iter().for_each(task),
            false => tasks.for_each(task),
        }
    }
}

/// Into how many pieces each of `tasks` should be cut, at most `limit`, so
/// that all threads have something to do until the end.
fn pieces(tasks: usize, limit: usize) -> usize {
    (4 * rayon::current_num_threads())
        .div_ceil(tasks.max(1))
        .clamp(1, limit)
}

/// The `index`-th of `pieces` about equal parts of `0..len`.
fn piece(len: usize, pieces: usize, index: usize) -> std::ops::Range<usize> {
    len * index / pieces..len * (index + 1) / pieces
}

/// Runs a pass over all blocks of images.
#[expect(clippy::too_many_arguments, reason = "a kernel's operands and results")]
fn run(
    level: Level,
    pass: &Pass,
    weights: &PackedWeights,
    source: &[Lanes],
    bias: Option<&[f32]>,
    act: Activation,
    produced: &mut [Lanes],
    parallel: bool,
) {
    assert!(
        weights.is_packed(),
        "ConvPlan: the weights have not been packed"
    );
    let images = source.len() / pass.source_len();
    assert_eq!(
        source.len(),
        images * pass.source_len(),
        "ConvPlan: broken blocks"
    );
    assert_eq!(
        produced.len(),
        images * pass.produced_len(),
        "ConvPlan: wrong number of blocks"
    );
    let rows = pass.extent()[0];
    let channel_blocks = weights.blocks.len();
    let pieces = if parallel {
        pieces(images * channel_blocks, rows)
    } else {
        1
    };
    let task = |source: &[Lanes], produced: Shared<Lanes>, index: usize| {
        let block = weights.blocks[index / pieces];
        let first = block.group * pass.produced + block.first;
        let task = correlate::Task {
            pass,
            block,
            rows: piece(rows, pieces, index % pieces),
            source,
            weights: weights.of(pass, &block),
            bias: bias.map(|bias| &bias[first..first + block.width]),
            act,
            produced,
        };
        // SAFETY: the level is available; tasks differ in image, channel or row.
        unsafe { correlate(level, &task) }
    };
    let tasks = channel_blocks * pieces;
    let image = |(source, produced): (&[Lanes], &mut [Lanes])| {
        let produced = Shared::new(produced);
        if parallel {
            (0..tasks)
                .into_par_iter()
                .for_each(|index| task(source, produced, index));
        } else {
            (0..tasks).for_each(|index| task(source, produced, index));
        }
    };
    let (source_len, produced_len) = (pass.source_len(), pass.produced_len());
    if parallel {
        let sources = source.par_chunks_exact(source_len);
        sources
            .zip(produced.par_chunks_exact_mut(produced_len))
            .for_each(image);
    } else {
        let sources = source.chunks_exact(source_len);
        sources
            .zip(produced.chunks_exact_mut(produced_len))
            .for_each(image);
    }
}
