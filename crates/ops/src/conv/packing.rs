//! Weights in the order the kernel of a pass reads them.

use rayon::prelude::*;

use super::pass::Pass;

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
pub(super) struct PackedWeights {
    pub blocks: Vec<ChannelBlock>,
    values: Vec<f32>,
}

impl PackedWeights {
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

    /// Fills in the weights; `at(group, produced, summed)` is where their taps start in `w`.
    pub fn pack(&mut self, pass: &Pass, w: &[f32], at: impl Fn([usize; 3]) -> usize + Sync) {
        let taps = pass.taps();
        let depth = pass.summed * taps;
        self.values.resize(pass.groups * pass.produced * depth, 0.0);
        let mut rest = self.values.as_mut_slice();
        let mut pieces = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (piece, tail) = rest.split_at_mut(block.width * depth);
            pieces.push((block, piece));
            rest = tail;
        }
        pieces.into_par_iter().for_each(|(block, piece)| {
            for (summed, piece) in piece.chunks_exact_mut(taps * block.width).enumerate() {
                for channel in 0..block.width {
                    let start = at([block.group, block.first + channel, summed]);
                    let column = piece[channel..].iter_mut().step_by(block.width);
                    let from = &w[start..start + taps];
                    if pass.turned {
                        column
                            .zip(from.iter().rev())
                            .for_each(|(to, from)| *to = *from);
                    } else {
                        column.zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        });
    }

    /// The packed weights of one block.
    pub fn of(&self, pass: &Pass, block: &ChannelBlock) -> &[f32] {
        let depth = pass.summed * pass.taps();
        let start = (block.group * pass.produced + block.first) * depth;
        &self.values[start..start + block.width * depth]
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
