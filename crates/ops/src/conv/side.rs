//! One direction of a convolution with its packed weights, over whole blocks of
//! images, divided among threads.

use std::ops::Range;

use rayon::prelude::*;

use super::correlate::{self, correlate};
use super::packing::{Pack, PackedWeights};
use super::pass::Pass;
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::{Activation, Level, Split};

/// A pass and its weights.
#[derive(Debug)]
pub(super) struct Side<E: Pack> {
    pub pass: Pass,
    pub weights: PackedWeights<E>,
}

/// What is done to the sums, and by how many threads.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub bias: Option<&'a [f32]>,
    pub act: Activation,
    pub split: Split,
}

impl Finish<'_> {
    /// The sums as they are.
    pub fn nothing(split: Split) -> Self {
        Self {
            bias: None,
            act: Activation::Identity,
            split,
        }
    }
}

impl<E: Pack> Side<E> {
    /// A pass whose weights are not packed yet.
    pub fn new(pass: Pass, level: Level) -> Self {
        Self {
            weights: PackedWeights::new(&pass, correlate::widest(level)),
            pass,
        }
    }

    /// Runs the pass over all blocks of images.
    ///
    /// # Panics
    /// When a length does not fit, or before the weights are packed.
    pub fn run(&self, level: Level, source: &[E::Lanes], finish: Finish, produced: &mut [Lanes]) {
        let pass = &self.pass;
        assert!(
            self.weights.is_packed(),
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
        let (source_len, produced_len) = (pass.source_len(), pass.produced_len());
        let channel_blocks = self.weights.blocks.len();
        if finish.split == Split::Threads {
            let pieces = pieces(images * channel_blocks, pass.extent()[0]);
            let sources = source.par_chunks_exact(source_len);
            let images = sources.zip(produced.par_chunks_exact_mut(produced_len));
            images.for_each(|(source, produced)| {
                let produced = Shared::new(produced);
                (0..channel_blocks * pieces)
                    .into_par_iter()
                    .for_each(|index| self.task(level, source, finish, produced, [index, pieces]));
            });
        } else {
            let sources = source.chunks_exact(source_len);
            let images = sources.zip(produced.chunks_exact_mut(produced_len));
            images.for_each(|(source, produced)| {
                let produced = Shared::new(produced);
                (0..channel_blocks)
                    .for_each(|index| self.task(level, source, finish, produced, [index, 1]));
            });
        }
    }

    /// One of `pieces` parts of the rows of one channel block.
    fn task(
        &self,
        level: Level,
        source: &[E::Lanes],
        finish: Finish,
        produced: Shared<Lanes>,
        [index, pieces]: [usize; 2],
    ) {
        let pass = &self.pass;
        let block = self.weights.blocks[index / pieces];
        let first = block.group * pass.produced + block.first;
        let task = correlate::Task {
            pass,
            block,
            rows: piece(pass.extent()[0], pieces, index % pieces),
            source,
            weights: self.weights.of(pass, &block),
            bias: finish.bias.map(|bias| &bias[first..first + block.width]),
            act: finish.act,
            produced,
        };
        // SAFETY: the level is available; tasks differ in image, channel or row.
        unsafe { correlate::<E>(level, &task) }
    }
}

/// Into how many pieces each of `tasks` should be cut, at most `limit`, so
/// that all threads have something to do until the end.
pub(super) fn pieces(tasks: usize, limit: usize) -> usize {
    (4 * rayon::current_num_threads())
        .div_ceil(tasks.max(1))
        .clamp(1, limit)
}

/// The `index`-th of `pieces` about equal parts of `0..len`.
pub(super) fn piece(len: usize, pieces: usize, index: usize) -> Range<usize> {
    len * index / pieces..len * (index + 1) / pieces
}
