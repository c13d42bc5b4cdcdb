//! Activations as the bfloat16 kernels read them.

use std::cell::Cell;

use rayon::prelude::*;

use super::pass::{Pairing, Pass};
use crate::lanes::Lanes;
use crate::vector::{Pairs, pair_up};
use crate::{Level, Split};

/// Pairs kept between calls.
pub(super) type Scratch = Cell<Vec<Pairs>>;

thread_local! {
    /// Taken out while in use, so that a call that rayon starts on this thread
    /// meanwhile finds none and makes its own.
    pub(super) static FIRST: Scratch = const { Cell::new(Vec::new()) };
    pub(super) static SECOND: Scratch = const { Cell::new(Vec::new()) };
}

/// `len` pairs for the length of a call.
pub(super) fn with_scratch(
    home: &'static std::thread::LocalKey<Scratch>,
    len: usize,
    run: impl FnOnce(&mut [Pairs]),
) {
    let mut scratch = home.take();
    if scratch.len() < len {
        scratch.resize(len, Pairs::ZERO);
    }
    run(&mut scratch[..len]);
    home.set(scratch);
}

/// Calls `run` with the source of a paired pass, from `[blocks, C, H, W]`.
pub(super) fn with_source(
    level: Level,
    pass: &Pass,
    source: &[Lanes],
    split: Split,
    run: impl FnOnce(&[Pairs]),
) {
    let [height, width] = pass.source;
    // Per stretch: the lanes it is made of and the pairs it becomes.
    let (from_len, to_len) = match pass.pairing {
        Some(Pairing::Columns { .. }) => (width - 1, width),
        Some(Pairing::Channels { count }) => {
            let plane = height * width;
            (count * plane, pass.summed * plane)
        }
        None => return,
    };
    let pair = |(from, to): (&[Lanes], &mut [Pairs])| match pass.pairing {
        Some(Pairing::Columns { .. }) => pair_columns(level, from, to),
        _ => pair_channels(level, height * width, from, to),
    };
    with_scratch(&FIRST, source.len() / from_len * to_len, |pairs| {
        if split == Split::Threads {
            let stretches = source.par_chunks_exact(from_len);
            stretches
                .zip(pairs.par_chunks_exact_mut(to_len))
                .for_each(pair);
        } else {
            let stretches = source.chunks_exact(from_len);
            stretches.zip(pairs.chunks_exact_mut(to_len)).for_each(pair);
        }
        run(pairs);
    });
}

/// The channels of one group, of planes of `plane` lanes.
fn pair_channels(level: Level, plane: usize, from: &[Lanes], to: &mut [Pairs]) {
    for (from, to) in from.chunks(2 * plane).zip(to.chunks_exact_mut(plane)) {
        let (first, second) = from.split_at(plane);
        pair_up(level, first, second, to);
    }
}

/// One row; the pair of each column is with the next one.
fn pair_columns(level: Level, from: &[Lanes], to: &mut [Pairs]) {
    pair_up(level, &[Lanes::ZERO], &from[..1], &mut to[..1]);
    pair_up(level, from, &from[1..], &mut to[1..]);
}

/// Calls `run` with every block of `x` and of `gz`, `x_len` and `z_len` lanes
/// long, paired with the next; an odd last one is paired with zeros.
pub(super) fn with_paired_blocks(
    level: Level,
    [x, gz]: [&[Lanes]; 2],
    [x_len, z_len]: [usize; 2],
    split: Split,
    run: impl FnOnce(&[Pairs], &[Pairs]),
) {
    let pair = |values: &[Lanes], len: usize, pairs: &mut [Pairs]| {
        for (blocks, pairs) in values.chunks(2 * len).zip(pairs.chunks_exact_mut(len)) {
            let (first, second) = blocks.split_at(len);
            if split == Split::Threads && second.len() == len {
                const PIECE: usize = 1024;
                let both = first.par_chunks(PIECE).zip(second.par_chunks(PIECE));
                both.zip(pairs.par_chunks_mut(PIECE))
                    .for_each(|((first, second), pairs)| pair_up(level, first, second, pairs));
            } else {
                pair_up(level, first, second, pairs);
            }
        }
    };
    let paired_len = |values: &[Lanes], len: usize| (values.len() / len).div_ceil(2) * len;
    with_scratch(&FIRST, paired_len(x, x_len), |x_pairs| {
        with_scratch(&SECOND, paired_len(gz, z_len), |z_pairs| {
            pair(x, x_len, x_pairs);
            pair(gz, z_len, z_pairs);
            run(x_pairs, z_pairs);
        });
    });
}
