//! Two bfloat16 side by side, the operands of the bfloat16 kernels.

use crate::Level;
use crate::lanes::{LANES, Lanes};
use crate::multiversion::multiversion;

/// Two bfloat16 that are multiplied with another two and summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(4))]
pub(crate) struct Pair(pub [u16; 2]);

impl Pair {
    /// Both zero.
    pub const ZERO: Self = Self([0; 2]);

    /// Rounds two values, ties to even.
    #[inline(always)]
    pub fn new(first: f32, second: f32) -> Self {
        Self([rounded(first), rounded(second)])
    }

    /// The two values.
    #[inline(always)]
    pub fn values(self) -> [f32; 2] {
        self.0.map(|half| f32::from_bits(u32::from(half) << 16))
    }

    /// The pairs as a row of single values.
    fn as_halves_mut(pairs: &mut [Self]) -> &mut [u16] {
        // SAFETY: `Pair` is `repr(C)`, holds two halves and has no padding; the
        // borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(pairs.as_mut_ptr().cast(), pairs.len() * 2) }
    }
}

/// The bits of the nearest bfloat16, ties to even.
#[inline(always)]
fn rounded(value: f32) -> u16 {
    let bits = value.to_bits();
    let bits = match value.is_nan() {
        // Rounding could carry into an infinity; a set bit of the mantissa stays.
        true => bits | 0x0040_0000,
        false => bits.wrapping_add(0x7fff + (bits >> 16 & 1)),
    };
    (bits >> 16) as u16
}

/// A pair of each of sixteen images, as large and as aligned as [`Lanes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Pairs(pub [Pair; LANES]);

impl Pairs {
    /// All zero.
    pub const ZERO: Self = Self([Pair::ZERO; LANES]);

    /// The pairs in memory order.
    pub fn flat_mut(pairs: &mut [Self]) -> &mut [Pair] {
        // SAFETY: `Pairs` is `repr(C)`, holds sixteen pairs and has no padding;
        // the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(pairs.as_mut_ptr().cast(), pairs.len() * LANES) }
    }
}

multiversion! {
    /// Pairs the values of `first` with those of `second` at the same places;
    /// those that `second` lacks count as zero.
    fn pair_up_at(first: &[Lanes], second: &[Lanes], to: &mut [Pairs]) {
        let (both, alone) = to.split_at_mut(second.len().min(first.len()));
        for ((to, first), second) in both.iter_mut().zip(first).zip(second) {
            for lane in 0..LANES {
                to.0[lane] = Pair::new(first.0[lane], second.0[lane]);
            }
        }
        for (to, first) in alone.iter_mut().zip(&first[both.len()..]) {
            for lane in 0..LANES {
                to.0[lane] = Pair::new(first.0[lane], 0.0);
            }
        }
    }
}

/// Pairs the values of `first` with those of `second` at the same places; those
/// that `second` lacks count as zero.
///
/// # Panics
/// When `to` is not as long as `first`.
pub(crate) fn pair_up(level: Level, first: &[Lanes], second: &[Lanes], to: &mut [Pairs]) {
    assert_eq!(first.len(), to.len(), "pair_up: `to` has the wrong length");
    pair_up_at(level, first, second, to);
}

multiversion! {
    fn pair_neighbours_at(from: &[Lanes], to: &mut [Pairs]) {
        for (to, from) in to.iter_mut().zip(from.chunks(2)) {
            let second = from.get(1).unwrap_or(&Lanes::ZERO);
            for lane in 0..LANES {
                to.0[lane] = Pair::new(from[0].0[lane], second.0[lane]);
            }
        }
    }
}

/// Pairs each lane with the next; an odd last one is paired with zero.
///
/// # Panics
/// When `to` is not half as long as `from`, rounded up.
pub(crate) fn pair_neighbours(level: Level, from: &[Lanes], to: &mut [Pairs]) {
    assert_eq!(
        from.len().div_ceil(2),
        to.len(),
        "pair_neighbours: `to` has the wrong length"
    );
    pair_neighbours_at(level, from, to);
}

multiversion! {
    fn round_row_at(from: &[f32], to: &mut [Pair]) {
        if from.len() % 2 == 1 && let (Some(to), Some(from)) = (to.last_mut(), from.last()) {
            *to = Pair::new(*from, 0.0);
        }
        let (pairs, _) = to.split_at_mut(from.len() / 2);
        for (to, from) in Pair::as_halves_mut(pairs).iter_mut().zip(from) {
            *to = rounded(*from);
        }
    }
}

/// Rounds a row of values; an odd last one is paired with zero.
///
/// # Panics
/// When `to` is not half as long as `from`, rounded up.
pub(crate) fn round_row(level: Level, from: &[f32], to: &mut [Pair]) {
    assert_eq!(
        from.len().div_ceil(2),
        to.len(),
        "round_row: `to` has the wrong length"
    );
    round_row_at(level, from, to);
}

multiversion! {
    fn pair_rows_at(first: &[f32], second: &[f32], to: &mut [Pair]) {
        let (both, alone) = to.split_at_mut(second.len().min(first.len()));
        for ((to, first), second) in both.iter_mut().zip(first).zip(second) {
            *to = Pair::new(*first, *second);
        }
        for (to, first) in alone.iter_mut().zip(&first[both.len()..]) {
            *to = Pair::new(*first, 0.0);
        }
    }
}

/// [`pair_up`] for single values.
///
/// # Panics
/// When `to` is not as long as `first`.
pub(crate) fn pair_rows(level: Level, first: &[f32], second: &[f32], to: &mut [Pair]) {
    assert_eq!(
        first.len(),
        to.len(),
        "pair_rows: `to` has the wrong length"
    );
    pair_rows_at(level, first, second, to);
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn rounds_as_the_half_crate_does() {
        let odd = [
            0.0,
            -0.0,
            1.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            1e-40,
        ];
        let ties = (0..2000).map(|step| f32::from_bits(0x3f80_0000 + step * 0x2000));
        for value in odd.into_iter().chain(ties) {
            let wanted = bf16::from_f32(value).to_f32();
            assert_eq!(Pair::new(value, 0.0).values(), [wanted, 0.0], "{value}");
            assert_eq!(Pair::new(1.0, value).values(), [1.0, wanted], "{value}");
        }
        let tiny_payload = f32::from_bits(0x7f80_0001);
        assert!(
            Pair::new(tiny_payload, f32::NAN)
                .values()
                .iter()
                .all(|v| v.is_nan())
        );
    }

    #[test]
    fn rows_of_any_length_are_rounded() {
        for level in Level::available() {
            for len in 0..70 {
                let row: Vec<f32> = (0..len).map(|i| i as f32 + 0.5).collect();
                let mut pairs = vec![Pair([9; 2]); row.len().div_ceil(2)];
                round_row(level, &row, &mut pairs);
                let found: Vec<f32> = pairs.iter().flat_map(|pair| pair.values()).collect();
                assert_eq!(found[..len], row);
                assert!(found[len..].iter().all(|value| *value == 0.0));
                let mut pairs = vec![Pair::ZERO; len];
                let second: Vec<f32> = row.iter().map(|value| -value).collect();
                pair_rows(level, &row, &second, &mut pairs);
                let matches = |(pair, value): (&Pair, &f32)| pair.values() == [*value, -value];
                assert!(pairs.iter().zip(&row).all(matches));
            }
        }
    }

    #[test]
    fn what_has_no_partner_is_paired_with_zero() {
        let lanes = |value: f32| Lanes([value; LANES]);
        for level in Level::available() {
            let mut to = [Pairs::ZERO; 3];
            pair_up(
                level,
                &[lanes(1.0), lanes(2.0), lanes(3.0)],
                &[lanes(4.0)],
                &mut to,
            );
            let found = to.map(|pairs| pairs.0[15].values());
            assert_eq!(found, [[1.0, 4.0], [2.0, 0.0], [3.0, 0.0]]);
            pair_neighbours(level, &[lanes(1.0), lanes(2.0), lanes(3.0)], &mut to[..2]);
            let found = [0, 1].map(|place| to[place].0[7].values());
            assert_eq!(found, [[1.0, 2.0], [3.0, 0.0]]);
        }
    }
}
