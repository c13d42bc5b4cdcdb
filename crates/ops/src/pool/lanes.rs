//! Max-pooling over planes of [`Lanes`]: sixteen images at once.

use rayon::prelude::*;

use super::PoolShape;
use crate::lanes::{LANES, Lanes};
use crate::multiversion::multiversion;
use crate::simd::{Level, level};
use crate::split::Split;

/// By image: which tap of a window (`row * kW + column`) held the largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Winners([u16; LANES]);

/// `y` = the largest value of each window; where `winners` is given, also which
/// tap that was.
///
/// `x` is any number of planes `[H, W]`, `y` and `winners` are as many planes
/// `[H', W']` and are overwritten. Ties and NaN are as in
/// [`max_pool2d_forward`](super::max_pool2d_forward).
///
/// # Panics
/// When a slice has another length than the (checked) shape asks for, or a
/// window has more than 65536 taps.
pub fn max_pool2d_lanes_forward(
    split: Split,
    shape: &PoolShape,
    x: &[Lanes],
    y: &mut [Lanes],
    winners: Option<&mut [Winners]>,
) {
    forward_at((level(), split), shape, x, y, winners);
}

/// The gradient of [`max_pool2d_lanes_forward`]: each `gy` is added to the `gx`
/// of the input that won. `gx` is overwritten.
///
/// # Panics
/// As for [`max_pool2d_lanes_forward`].
pub fn max_pool2d_lanes_backward(
    split: Split,
    shape: &PoolShape,
    winners: &[Winners],
    gy: &[Lanes],
    gx: &mut [Lanes],
) {
    backward_at((level(), split), shape, winners, gy, gx);
}

fn forward_at(
    (level, split): (Level, Split),
    shape: &PoolShape,
    x: &[Lanes],
    y: &mut [Lanes],
    winners: Option<&mut [Winners]>,
) {
    let [input, output] = plane_lens(shape, x.len(), y.len());
    let planes = x
        .par_chunks_exact(input)
        .zip(y.par_chunks_exact_mut(output))
        .with_min_len(split.min_len());
    match winners {
        None => planes.for_each(|(x, y)| forward::<false>(level, shape, x, y, &mut [])),
        Some(winners) => {
            assert_eq!(
                winners.len(),
                x.len() / input * output,
                "max_pool2d: `winners`"
            );
            let planes = planes.zip(winners.par_chunks_exact_mut(output));
            planes.for_each(|((x, y), winners)| forward::<true>(level, shape, x, y, winners));
        }
    }
}

fn backward_at(
    (level, split): (Level, Split),
    shape: &PoolShape,
    winners: &[Winners],
    gy: &[Lanes],
    gx: &mut [Lanes],
) {
    let [input, output] = plane_lens(shape, gx.len(), gy.len());
    assert_eq!(
        winners.len(),
        gy.len(),
        "max_pool2d: `winners` and `gy` differ in length"
    );
    gx.par_chunks_exact_mut(input)
        .zip(gy.par_chunks_exact(output))
        .zip(winners.par_chunks_exact(output))
        .with_min_len(split.min_len())
        .for_each(|((gx, gy), winners)| backward(level, shape, winners, gy, gx));
}

/// The lengths of an input and of an output plane, after checking them.
fn plane_lens(shape: &PoolShape, input_total: usize, output_total: usize) -> [usize; 2] {
    let [input, output] = [shape.input, shape.output()].map(|extent| extent.iter().product());
    assert!(
        shape.kernel[0] * shape.kernel[1] <= 1 << u16::BITS,
        "max_pool2d: windows of {:?} are too large",
        shape.kernel
    );
    assert_eq!(input_total % input, 0, "max_pool2d: broken input planes");
    assert_eq!(
        input_total / input * output,
        output_total,
        "max_pool2d: wrong number of output planes for {shape:?}"
    );
    [input, output]
}

/// The taps of window `index` that are not padding, and the input place of tap 0
/// plus the padding.
#[inline(always)]
fn taps(shape: &PoolShape, axis: usize, index: usize) -> (std::ops::Range<usize>, usize) {
    let start = index * shape.stride[axis];
    let first = shape.padding[axis].saturating_sub(start);
    let end = shape.kernel[axis].min(shape.input[axis] + shape.padding[axis] - start);
    (first..end, start)
}

multiversion! {
    /// Pools one plane.
    fn forward<const WINNERS: bool>(
        shape: &PoolShape,
        x: &[Lanes],
        y: &mut [Lanes],
        winners: &mut [Winners],
    ) {
        let [out_height, out_width] = shape.output();
        for row in 0..out_height {
            let (rows, top) = taps(shape, 0, row);
            for column in 0..out_width {
                let (columns, left) = taps(shape, 1, column);
                let mut best = [f32::NEG_INFINITY; LANES];
                // Where nothing is larger than minus infinity the first place wins.
                let mut won = [(rows.start * shape.kernel[1] + columns.start) as u16; LANES];
                for kernel_row in rows.clone() {
                    let line = (top + kernel_row - shape.padding[0]) * shape.input[1];
                    for kernel_column in columns.clone() {
                        let value = x[line + left + kernel_column - shape.padding[1]].0;
                        let tap = (kernel_row * shape.kernel[1] + kernel_column) as u16;
                        for lane in 0..LANES {
                            // A NaN wins, and is beaten by another NaN alone.
                            let wins = (value[lane] > best[lane]) | value[lane].is_nan();
                            best[lane] = if wins { value[lane] } else { best[lane] };
                            if WINNERS {
                                won[lane] = if wins { tap } else { won[lane] };
                            }
                        }
                    }
                }
                y[row * out_width + column] = Lanes(best);
                if WINNERS {
                    winners[row * out_width + column] = Winners(won);
                }
            }
        }
    }
}

multiversion! {
    /// The gradient of one plane.
    fn backward(
        shape: &PoolShape,
        winners: &[Winners],
        gy: &[Lanes],
        gx: &mut [Lanes],
    ) {
        let [out_height, out_width] = shape.output();
        gx.fill(Lanes::ZERO);
        for row in 0..out_height {
            let (rows, top) = taps(shape, 0, row);
            for column in 0..out_width {
                let (columns, left) = taps(shape, 1, column);
                let window = row * out_width + column;
                let (gy, won) = (gy[window].0, winners[window].0);
                for kernel_row in rows.clone() {
                    let line = (top + kernel_row - shape.padding[0]) * shape.input[1];
                    for kernel_column in columns.clone() {
                        let sums = &mut gx[line + left + kernel_column - shape.padding[1]].0;
                        let tap = (kernel_row * shape.kernel[1] + kernel_column) as u16;
                        for lane in 0..LANES {
                            sums[lane] += if won[lane] == tap { gy[lane] } else { 0.0 };
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::interleave;
    use crate::{deinterleave, max_pool2d_backward, max_pool2d_forward};

    /// Values in no order, with ties, the odd NaN, and whole windows of minus infinity.
    fn values(len: usize, seed: u64) -> Vec<f32> {
        (0..len as u64)
            .map(
                |i| match (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed) >> 52 {
                    0..8 => f32::NAN,
                    8..2400 => f32::NEG_INFINITY,
                    n => (n % 97) as f32 - 40.0,
                },
            )
            .collect()
    }

    fn same(found: &[f32], wanted: &[f32]) -> bool {
        let mut pairs = found.iter().zip(wanted);
        found.len() == wanted.len() && pairs.all(|(a, b)| a == b || a.is_nan() && b.is_nan())
    }

    #[test]
    fn agrees_with_the_plain_layout() {
        let shapes = [
            ([3, 3], [2, 2], [1, 1], [9, 8]),
            ([3, 3], [2, 2], [0, 0], [13, 13]),
            ([2, 2], [2, 2], [0, 0], [7, 6]),
            ([3, 2], [1, 3], [1, 0], [3, 5]),
            ([5, 5], [1, 1], [2, 2], [4, 4]),
        ];
        for (kernel, stride, padding, input) in shapes {
            let shape = PoolShape::new(3, kernel, stride, padding, input).expect("valid");
            for batch in [1, 5, 16] {
                let (x_len, y_len) = (shape.input_len(), shape.output_len());
                let (x, gy) = (values(batch * x_len, 1), values(batch * y_len, 2));
                let gy: Vec<_> = gy
                    .iter()
                    .map(|g| if g.is_nan() { 1.0 } else { *g })
                    .collect();
                let (mut y, mut won) = (vec![0.0; gy.len()], vec![0; gy.len()]);
                max_pool2d_forward(&shape, batch, &x, &mut y, Some(&mut won));
                let mut gx = vec![0.0; x.len()];
                max_pool2d_backward(&shape, batch, &won, &gy, &mut gx);

                let splits = [Split::Never, Split::Threads];
                let levels = Level::available().into_iter();
                for how in levels.flat_map(|level| splits.map(|split| (level, split))) {
                    let mut block = vec![Lanes::ZERO; x_len];
                    interleave(how.1, x_len, &x, &mut block);
                    let mut pooled = vec![Lanes::ZERO; y_len];
                    let mut winners = vec![Winners::default(); y_len];
                    forward_at(how, &shape, &block, &mut pooled, Some(&mut winners));
                    let mut found = vec![0.0; y.len()];
                    deinterleave(how.1, y_len, &pooled, &mut found);
                    assert!(same(&found, &y), "{shape:?}, batch {batch}, {how:?}");
                    let mut again = vec![Lanes::ZERO; y_len];
                    forward_at(how, &shape, &block, &mut again, None);
                    deinterleave(how.1, y_len, &again, &mut found);
                    assert!(same(&found, &y), "{shape:?}, batch {batch}, {how:?}");

                    interleave(how.1, y_len, &gy, &mut pooled);
                    backward_at(how, &shape, &winners, &pooled, &mut block);
                    let mut found = vec![0.0; x.len()];
                    deinterleave(how.1, x_len, &block, &mut found);
                    assert_eq!(found, gx, "{shape:?}, batch {batch}, {how:?}");
                }
            }
        }
    }
}
