//! The sum of a row of values over ranks, where the rows lie. What carries values
//! between them is told apart from the order of additions, so that this can be tested
//! without GPUs.

use std::ops::Range;

use candle_core::Tensor;

use crate::tree::{halves, share};
use crate::{Group, Result};

/// What carries values between ranks.
pub(crate) trait Wire {
    /// Gives each rank the values of `row` in its range of `out`, and returns what each
    /// rank gave this one, `lens` values, one after the other.
    fn all_to_all(&self, row: &Tensor, out: &[Range<usize>], lens: &[usize]) -> Result<Tensor>;
}

/// The sum of `row` `[len]` over all ranks. Each adds up an equal share for all: so
/// many bytes go out as must, and the order of additions is [`halves`]'.
pub(crate) fn sum_row(wire: &dyn Wire, group: &dyn Group, row: &Tensor) -> Result<Tensor> {
    let (size, len) = (group.size(), row.elem_count());
    let shares: Vec<_> = (0..size).map(|rank| share(len, size, rank)).collect();
    let own = shares[group.rank()].len();
    let terms = wire.all_to_all(row, &shares, &vec![own; size])?;
    let term = |rank: usize| terms.narrow(0, rank * own, own);
    let sum = add_up(&term, 0..size)?;
    let lens: Vec<usize> = shares.iter().map(Range::len).collect();
    wire.all_to_all(&sum, &vec![0..own; size], &lens)
}

fn add_up(
    term: &dyn Fn(usize) -> candle_core::Result<Tensor>,
    ranks: Range<usize>,
) -> candle_core::Result<Tensor> {
    match halves(ranks.clone()) {
        None => term(ranks.start),
        Some([first, second]) => add_up(term, first)? + add_up(term, second)?,
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::threads;
    use crate::threads::{Ends, channels};

    /// Channels that carry tensors.
    struct Channels(Ends<Tensor>);

    impl Wire for Channels {
        fn all_to_all(&self, row: &Tensor, out: &[Range<usize>], lens: &[usize]) -> Result<Tensor> {
            let Self((to, from)) = self;
            for (to, range) in to.iter().zip(out) {
                to.send(row.narrow(0, range.start, range.len())?)
                    .expect("a rank");
            }
            let given: Vec<Tensor> = from
                .iter()
                .map(|from| from.recv().expect("a rank"))
                .collect();
            let found: Vec<usize> = given.iter().map(Tensor::elem_count).collect();
            assert_eq!(found, lens);
            Ok(Tensor::cat(&given, 0)?)
        }
    }

    #[test]
    fn rows_have_the_sum_that_the_group_gives_values() {
        for (size, len) in [(1, 3), (2, 2), (3, 7), (4, 1001), (5, 40)] {
            std::thread::scope(|scope| {
                for (group, ends) in threads(size).into_iter().zip(channels(size)) {
                    scope.spawn(move || {
                        let wire = Channels(ends);
                        let value = |i: usize| (group.rank() * 31 + i) as f32 / 3.0;
                        let values: Vec<f32> = (0..len).map(value).collect();
                        let row = Tensor::new(&values[..], &Device::Cpu).expect("a row");
                        let sum = sum_row(&wire, group.as_ref(), &row).expect("a sum");
                        let sum = sum.to_vec1::<f32>().expect("values");
                        assert_eq!(sum, group.sum(values).expect("a sum"), "{size} ranks");
                    });
                }
            });
        }
    }
}
