//! What the linear kernels multiply: in float32 the values where they lie, in
//! bfloat16 rounded copies.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::vector::{Bf16, Element, F32, Pair, Pairs, pair_neighbours, pair_rows, round_row};

/// Operands of a linear layer.
pub(super) trait Operands: Element {
    /// Values that one step of a sum takes in.
    const STEP: usize;

    /// From `[blocks, features]` to `[blocks, features / STEP]`.
    fn features(level: Level, features: usize, lanes: &[Lanes]) -> Cow<'_, [Self::Lanes]>;

    /// From `[blocks, features]` to `[blocks, features, 16 / STEP]`. An image
    /// from `batch` on that shares a step with another is zero.
    fn images(
        level: Level,
        batch: usize,
        features: usize,
        lanes: &[Lanes],
    ) -> Cow<'_, [Self::Weight]>;

    /// Some columns of some rows of a matrix, and the distance from one row to
    /// the next; `scratch` is room for a copy.
    fn rows<'a>(
        level: Level,
        matrix: Matrix<'a>,
        rows: Range<usize>,
        columns: Range<usize>,
        scratch: &'a mut Vec<Self::Weight>,
    ) -> (&'a [Self::Weight], usize);

    /// [`Self::STEP`] rows sharing steps; a second one that is empty counts as
    /// zeros. `scratch` is room for a copy.
    fn join_rows<'a>(
        level: Level,
        rows: [&'a [f32]; 2],
        scratch: &'a mut Vec<Self::Weight>,
    ) -> &'a [Self::Weight];

    /// Writes the first `count` images at one place to every `stride`-th of `to`.
    fn spread_images(from: &Lanes, count: usize, to: &mut [Self::Weight], stride: usize);

    /// The operands of sixteen images as operands of one each.
    fn flat_mut(lanes: &mut [Self::Lanes]) -> &mut [Self::Weight];
}

/// Rows of `width` values.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub width: usize,
}

impl<'a> Matrix<'a> {
    /// Some columns of one row.
    pub fn row(self, row: usize, columns: &Range<usize>) -> &'a [f32] {
        &self.values[row * self.width..][columns.clone()]
    }
}

impl Operands for F32 {
    const STEP: usize = 1;

    fn features(_: Level, _: usize, lanes: &[Lanes]) -> Cow<'_, [Lanes]> {
        Cow::Borrowed(lanes)
    }

    fn images(_: Level, _: usize, _: usize, lanes: &[Lanes]) -> Cow<'_, [f32]> {
        Cow::Borrowed(Lanes::as_floats(lanes))
    }

    fn rows<'a>(
        _: Level,
        matrix: Matrix<'a>,
        rows: Range<usize>,
        columns: Range<usize>,
        _: &'a mut Vec<f32>,
    ) -> (&'a [f32], usize) {
        let start = rows.start * matrix.width + columns.start;
        (&matrix.values[start..], matrix.width)
    }

    fn join_rows<'a>(_: Level, rows: [&'a [f32]; 2], _: &'a mut Vec<f32>) -> &'a [f32] {
        rows[0]
    }

    #[inline(always)]
    fn spread_images(from: &Lanes, count: usize, to: &mut [f32], stride: usize) {
        for (to, from) in to.iter_mut().step_by(stride).zip(&from.0[..count]) {
            *to = *from;
        }
    }

    fn flat_mut(lanes: &mut [Lanes]) -> &mut [f32] {
        Lanes::as_floats_mut(lanes)
    }
}

impl Operands for Bf16 {
    const STEP: usize = 2;

    fn features(level: Level, features: usize, lanes: &[Lanes]) -> Cow<'_, [Pairs]> {
        let len = features.div_ceil(2);
        let mut pairs = vec![Pairs::ZERO; lanes.len() / features * len];
        let blocks = lanes.par_chunks_exact(features);
        blocks
            .zip(pairs.par_chunks_exact_mut(len))
            .for_each(|(lanes, pairs)| pair_neighbours(level, lanes, pairs));
        Cow::Owned(pairs)
    }

    fn images(level: Level, batch: usize, features: usize, lanes: &[Lanes]) -> Cow<'_, [Pair]> {
        let floats = Lanes::as_floats(lanes);
        let mut pairs = vec![Pair::ZERO; floats.len() / 2];
        round_row(level, floats, &mut pairs);
        if batch % 2 == 1 {
            let block = &mut pairs[batch / LANES * features * LANES / 2..];
            let last = block.iter_mut().skip(batch % LANES / 2);
            last.step_by(LANES / 2)
                .take(features)
                .for_each(|pair| pair.0[1] = 0);
        }
        Cow::Owned(pairs)
    }

    fn rows<'a>(
        level: Level,
        matrix: Matrix<'a>,
        rows: Range<usize>,
        columns: Range<usize>,
        scratch: &'a mut Vec<Pair>,
    ) -> (&'a [Pair], usize) {
        let width = columns.len().div_ceil(2);
        scratch.resize(rows.len() * width, Pair::ZERO);
        for (row, to) in rows.zip(scratch.chunks_exact_mut(width)) {
            round_row(level, matrix.row(row, &columns), to);
        }
        (scratch, width)
    }

    fn join_rows<'a>(
        level: Level,
        [first, second]: [&'a [f32]; 2],
        scratch: &'a mut Vec<Pair>,
    ) -> &'a [Pair] {
        scratch.resize(first.len(), Pair::ZERO);
        pair_rows(level, first, second, scratch);
        scratch
    }

    #[inline(always)]
    fn spread_images(from: &Lanes, count: usize, to: &mut [Pair], stride: usize) {
        for (to, from) in to.iter_mut().step_by(stride).zip(from.0[..count].chunks(2)) {
            *to = Pair::new(from[0], from.get(1).copied().unwrap_or(0.0));
        }
    }

    fn flat_mut(lanes: &mut [Pairs]) -> &mut [Pair] {
        Pairs::flat_mut(lanes)
    }
}
