//! A convolution over batches laid out as [`Lanes`], the fast form.

use rayon::prelude::*;

use super::packing::channel_blocks;
use super::pairing::{with_paired_blocks, with_source};
use super::pass::Pass;
use super::side::{Finish, Side, piece, pieces};
#[cfg(target_arch = "x86_64")]
use super::tiles::{TileGradient, TileSide};
use super::weight_gradient::{self, Geometry, accumulate};
use super::{ConvShape, ConvShapeError};
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::vector::{Bf16, Element, F32};
use crate::{Activation, Level, Precision, Split, level};

/// A convolution with its weights packed for the kernels.
///
/// Activations are `[blocks, channels, height, width]` of [`Lanes`], sixteen
/// images a block. Pack the weights after every change to them; then any
/// number of blocks can be computed.
#[derive(Debug)]
pub struct ConvPlan {
    shape: ConvShape,
    level: Level,
    sides: Sides,
    weight_geometry: Geometry,
    /// The weight gradient by tiles, where these are used.
    #[cfg(target_arch = "x86_64")]
    tile_gradient: Option<TileGradient>,
}

/// The forward pass and the input gradient.
#[derive(Debug)]
enum Sides {
    F32([Side<F32>; 2]),
    Bf16([Halves; 2]),
}

/// How one direction multiplies bfloat16.
#[derive(Debug)]
enum Halves {
    Registers(Side<Bf16>),
    #[cfg(target_arch = "x86_64")]
    Tiles(TileSide),
}

impl Halves {
    fn forward(shape: &ConvShape, level: Level) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(side) = TileSide::forward(shape).filter(|_| level == Level::Amx) {
            return Self::Tiles(side);
        }
        Self::Registers(Side::new(Pass::paired_forward(shape), level))
    }

    fn input_gradient(shape: &ConvShape, level: Level) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(side) = TileSide::input_gradient(shape).filter(|_| level == Level::Amx) {
            return Self::Tiles(side);
        }
        Self::Registers(Side::new(Pass::paired_input_gradient(shape), level))
    }
}

const FORWARD: usize = 0;
const BACKWARD: usize = 1;

impl ConvPlan {
    /// A plan for this machine's best instruction set.
    ///
    /// # Errors
    /// When the shape does not [check](ConvShape::check).
    pub fn new(shape: ConvShape, precision: Precision) -> Result<Self, ConvShapeError> {
        Self::at_level(shape, precision, level())
    }

    /// A plan for a given instruction set, or for the best below it that this machine has.
    ///
    /// # Errors
    /// When the shape does not [check](ConvShape::check).
    pub fn at_level(
        shape: ConvShape,
        precision: Precision,
        level: Level,
    ) -> Result<Self, ConvShapeError> {
        shape.check()?;
        let level = level.or_best();
        let sides = match precision {
            Precision::F32 => Sides::F32([
                Side::new(Pass::forward(&shape), level),
                Side::new(Pass::input_gradient(&shape), level),
            ]),
            Precision::Bf16 => Sides::Bf16([
                Halves::forward(&shape, level),
                Halves::input_gradient(&shape, level),
            ]),
        };
        Ok(Self {
            shape,
            level,
            sides,
            weight_geometry: Geometry::new(&shape),
            #[cfg(target_arch = "x86_64")]
            tile_gradient: (level == Level::Amx && precision == Precision::Bf16)
                .then(|| TileGradient::new(&shape))
                .flatten(),
        })
    }

    /// What the operands are rounded to.
    pub fn precision(&self) -> Precision {
        match self.sides {
            Sides::F32(_) => Precision::F32,
            Sides::Bf16(_) => Precision::Bf16,
        }
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
        let start = self.first_tap(w);
        self.pack(FORWARD, w, |[group, filter, input]| {
            start([group, filter, input])
        });
    }

    /// Takes over the weights `[O, C / groups, kH, kW]` for the input gradient.
    ///
    /// # Panics
    /// When `w` has the wrong length.
    pub fn pack_backward(&mut self, w: &[f32]) {
        let start = self.first_tap(w);
        self.pack(BACKWARD, w, |[group, input, filter]| {
            start([group, filter, input])
        });
    }

    /// Where the taps of a group's filter and input channel start in `w`.
    fn first_tap(&self, w: &[f32]) -> impl Fn([usize; 3]) -> usize + use<> {
        assert_eq!(
            w.len(),
            self.shape.weight_len(),
            "ConvPlan: `w` has the wrong length"
        );
        let (filters, inputs) = (self.shape.group_outputs(), self.shape.group_inputs());
        let taps = self.shape.kernel[0] * self.shape.kernel[1];
        move |[group, filter, input]| ((group * filters + filter) * inputs + input) * taps
    }

    fn pack(&mut self, side: usize, w: &[f32], at: impl Fn([usize; 3]) -> usize + Sync) {
        match &mut self.sides {
            Sides::F32(sides) => {
                let Side { pass, weights } = &mut sides[side];
                weights.pack(pass, w, at);
            }
            Sides::Bf16(sides) => match &mut sides[side] {
                Halves::Registers(Side { pass, weights }) => weights.pack(pass, w, at),
                #[cfg(target_arch = "x86_64")]
                Halves::Tiles(side) => side.pack(w, at),
            },
        }
    }

    /// Panics unless `x` and `y` lanes are as many whole blocks. To be asked
    /// before blocks are paired, which would hide an odd one.
    fn check_blocks(&self, x: usize, y: usize) {
        let [x_len, y_len] = [self.shape.input_len(), self.shape.output_len()];
        let blocks = x / x_len;
        assert_eq!(x, blocks * x_len, "ConvPlan: broken blocks of the input");
        assert_eq!(
            Some(y),
            blocks.checked_mul(y_len),
            "ConvPlan: the output has the wrong number of blocks"
        );
    }

    fn run(&self, side: usize, source: &[Lanes], finish: Finish, produced: &mut [Lanes]) {
        match side {
            FORWARD => self.check_blocks(source.len(), produced.len()),
            _ => self.check_blocks(produced.len(), source.len()),
        }
        match &self.sides {
            Sides::F32(sides) => sides[side].run(self.level, source, finish, produced),
            Sides::Bf16(sides) => match &sides[side] {
                Halves::Registers(side) => {
                    with_source(self.level, &side.pass, source, finish.split, |source| {
                        side.run(self.level, source, finish, produced);
                    });
                }
                #[cfg(target_arch = "x86_64")]
                // SAFETY: such a side is made for a level with tiles alone, which is available.
                Halves::Tiles(side) => unsafe { side.run(source, finish, produced) },
            },
        }
    }

    /// `y = act(conv(x) + bias)` of all blocks.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_forward`].
    pub fn forward(
        &self,
        split: Split,
        x: &[Lanes],
        bias: Option<&[f32]>,
        act: Activation,
        y: &mut [Lanes],
    ) {
        self.check_bias(bias);
        self.run(FORWARD, x, Finish { bias, act, split }, y);
    }

    fn check_bias(&self, bias: Option<&[f32]>) {
        let len = bias.map_or(self.shape.out_channels, <[f32]>::len);
        assert_eq!(
            len, self.shape.out_channels,
            "ConvPlan: `bias` has the wrong length"
        );
    }

    /// Overwrites `gx` with the gradient of the input, from `gz`, the gradient
    /// before the activation, of all blocks.
    ///
    /// # Panics
    /// When a length does not fit, or before [`Self::pack_backward`].
    pub fn input_gradient(&self, split: Split, gz: &[Lanes], gx: &mut [Lanes]) {
        self.run(BACKWARD, gz, Finish::nothing(split), gx);
    }

    /// Adds the gradient of the weights to `gw`, `[O, C / groups, kH, kW]`, from
    /// `gz`, the gradient before the activation, of all blocks. Threads divide
    /// the weights, so that the sum has one order whatever their number.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn add_weight_gradient(&self, split: Split, x: &[Lanes], gz: &[Lanes], gw: &mut [f32]) {
        assert_eq!(
            gw.len(),
            self.shape.weight_len(),
            "ConvPlan: `gw` has the wrong length"
        );
        self.check_blocks(x.len(), gz.len());
        #[cfg(target_arch = "x86_64")]
        if let Some(gradient) = &self.tile_gradient {
            // SAFETY: it is made for a level with tiles alone, which is available;
            // the lengths are checked.
            return unsafe { gradient.add(x, gz, gw, split) };
        }
        match &self.sides {
            Sides::F32(_) => self.accumulate::<F32>(x, gz, gw, split),
            Sides::Bf16(_) => {
                let lens = [self.shape.input_len(), self.shape.output_len()];
                with_paired_blocks(self.level, [x, gz], lens, split, |x, gz| {
                    self.accumulate::<Bf16>(x, gz, gw, split);
                });
            }
        }
    }

    fn accumulate<E: Element>(
        &self,
        x: &[E::Lanes],
        gz: &[E::Lanes],
        gw: &mut [f32],
        split: Split,
    ) {
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
        let pieces = match split {
            Split::Threads => pieces(tiles.len(), kernel_rows),
            Split::Never => 1,
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
            unsafe { accumulate::<E>(self.level, &task) }
        };
        let tasks = 0..tiles.len() * pieces;
        match split {
            Split::Threads => tasks.into_par_iter().for_each(task),
            Split::Never => tasks.for_each(task),
        }
    }
}
