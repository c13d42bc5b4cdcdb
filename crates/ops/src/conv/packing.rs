//! Weights in the order the kernel of a pass reads them.

use rayon::prelude::*;

use super::pass::{Pairing, Pass};
use crate::vector::{Bf16, Element, F32, Pair};

/// A few neighbouring channels whose sums fill the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChannelBlock {
    /// The group it belongs to.
    pub group: usize,
    /// Its first channel within the group.
    pub first: usize,
    /// Its channels: one of 16, 8, 4, 2, 1.
    pub width: usize,
}

/// Splits `channels` of each group into blocks of `widest` and, for the rest,
/// of lower powers of two.
pub(super) fn channel_blocks(groups: usize, channels: usize, widest: usize) -> Vec<ChannelBlock> {
    let mut blocks = Vec::new();
    for group in 0..groups {
        let (mut first, mut width) = (0, widest);
        while first < channels {
            if first + width > channels {
                width /= 2;
                continue;
            }
            blocks.push(ChannelBlock {
                group,
                first,
                width,
            });
            first += width;
        }
    }
    blocks
}

/// The weights of one pass: for each channel block `[summed, kH, kW, width]`.
#[derive(Debug)]
pub(super) struct PackedWeights<E: Element> {
    pub blocks: Vec<ChannelBlock>,
    values: Vec<E::Weight>,
}

/// Weights that can be packed.
pub(super) trait Pack: Element {
    /// Writes all taps of one produced channel and one summed index to every
    /// `width`-th place of `to`; `at(channel)` is where those of a source
    /// channel start in `w`.
    fn put(
        pass: &Pass,
        w: &[f32],
        at: impl Fn(usize) -> usize,
        summed: usize,
        to: &mut [Self::Weight],
        width: usize,
    );
}

impl<E: Pack> PackedWeights<E> {
    /// Room for the weights of `pass`, not yet filled.
    pub fn new(pass: &Pass, widest: usize) -> Self {
        Self {
            blocks: channel_blocks(pass.groups, pass.produced, widest),
            values: Vec::new(),
        }
    }

    /// Whether [`Self::pack`] has been called.
    pub fn is_packed(&self) -> bool {
        !self.values.is_empty()
    }

    /// Fills in the weights; `at(group, produced, source)` is where the taps of
    /// two channels start in `w`.
    pub fn pack(&mut self, pass: &Pass, w: &[f32], at: impl Fn([usize; 3]) -> usize + Sync) {
        let depth = pass.summed * pass.taps();
        let len = pass.groups * pass.produced * depth;
        self.values.resize(len, E::Weight::default());
        let mut rest = self.values.as_mut_slice();
        let mut pieces = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (piece, tail) = rest.split_at_mut(block.width * depth);
            pieces.push((block, piece));
            rest = tail;
        }
        pieces.into_par_iter().for_each(|(block, piece)| {
            let pieces = piece.chunks_exact_mut(pass.taps() * block.width);
            for (summed, piece) in pieces.enumerate() {
                for channel in 0..block.width {
                    let at = |source| at([block.group, block.first + channel, source]);
                    E::put(pass, w, at, summed, &mut piece[channel..], block.width);
                }
            }
        });
    }

    /// The packed weights of one block.
    pub fn of(&self, pass: &Pass, block: &ChannelBlock) -> &[E::Weight] {
        let depth = pass.summed * pass.taps();
        let start = (block.group * pass.produced + block.first) * depth;
        &self.values[start..start + block.width * depth]
    }
}

impl Pack for F32 {
    fn put(
        pass: &Pass,
        w: &[f32],
        at: impl Fn(usize) -> usize,
        summed: usize,
        to: &mut [f32],
        width: usize,
    ) {
        let taps = &w[at(summed)..][..pass.taps()];
        spread(pass, taps.iter().copied(), to, width);
    }
}

impl Pack for Bf16 {
    fn put(
        pass: &Pass,
        w: &[f32],
        at: impl Fn(usize) -> usize,
        summed: usize,
        to: &mut [Pair],
        width: usize,
    ) {
        match pass.pairing {
            Some(Pairing::Columns { kernel }) => {
                let taps = &w[at(summed)..][..pass.kernel[0] * kernel];
                let pair = |taps: &[f32]| Pair::new(taps[0], taps.get(1).copied().unwrap_or(0.0));
                let rows = taps.chunks_exact(kernel);
                let pairs = rows.flat_map(|row| row.chunks(2).map(pair));
                spread(pass, pairs, to, width);
            }
            Some(Pairing::Channels { count }) if 2 * summed + 1 < count => {
                let taps = |channel| w[at(channel)..][..pass.taps()].iter();
                let pairs = taps(2 * summed).zip(taps(2 * summed + 1));
                spread(pass, pairs.map(|(a, b)| Pair::new(*a, *b)), to, width);
            }
            _ => {
                let taps = w[at(2 * summed)..][..pass.taps()].iter();
                spread(pass, taps.map(|tap| Pair::new(*tap, 0.0)), to, width);
            }
        }
    }
}

/// Writes taps, in the order of the pass, to every `width`-th place of `to`.
fn spread<W>(pass: &Pass, taps: impl DoubleEndedIterator<Item = W>, to: &mut [W], width: usize) {
    let to = to.iter_mut().step_by(width);
    if pass.turned {
        to.zip(taps.rev()).for_each(|(to, tap)| *to = tap);
    } else {
        to.zip(taps).for_each(|(to, tap)| *to = tap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_channels() {
        for channels in 1..70 {
            let blocks = channel_blocks(2, channels, 16);
            assert_eq!(
                blocks.iter().map(|block| block.width).sum::<usize>(),
                2 * channels
            );
        }
        let widths: Vec<_> = channel_blocks(1, 27, 16)
            .iter()
            .map(|block| block.width)
            .collect();
        assert_eq!(widths, [16, 8, 2, 1]);
    }
}
