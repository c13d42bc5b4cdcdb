//! Sums over slices that no layer's kernel includes.

use rayon::prelude::*;

/// Values that a parallel task works on.
const CHUNK: usize = 4 * 1024;

/// Adds each of `terms` to `sums`, in order.
pub(super) fn add_all<'a>(sums: &mut [f32], terms: impl Iterator<Item = &'a [f32]>) {
    let terms: Vec<_> = terms.collect();
    let chunks = sums.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(chunk, sums)| {
        for terms in &terms {
            for (sum, term) in sums.iter_mut().zip(&terms[chunk * CHUNK..]) {
                *sum += term;
            }
        }
    });
}
