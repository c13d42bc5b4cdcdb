//! Rounding to bfloat16 and exchanging the rows and columns of a tile.
//!
//! All functions are inlined into kernels that enable AVX-512 and its BF16.

use std::arch::x86_64::*;

use super::ROWS;
use crate::vector::Pairs;

/// Rounds sixteen values and another sixteen, which follow them: each pair is of
/// neighbours. Values too small to be normal become zero, as in every product.
///
/// # Safety
/// The machine has AVX-512 BF16.
#[inline(always)]
pub(crate) unsafe fn join(first: __m512, second: __m512) -> __m512i {
    // SAFETY: the caller's promise; any bits are bfloat16.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first)) }
}

/// Rounds sixteen values and another sixteen and pairs those at the same places.
///
/// # Safety
/// The machine has AVX-512 BF16 and BW.
#[inline(always)]
pub(crate) unsafe fn pair(first: __m512, second: __m512) -> __m512i {
    /// From `first`, from `second`, in turns.
    const TURNS: [u16; 32] = {
        let mut turns = [0; 32];
        let mut place = 0;
        while place < 32 {
            turns[place] = (place as u16 % 2) * 16 + place as u16 / 2;
            place += 1;
        }
        turns
    };
    // SAFETY: the caller's promise.
    unsafe {
        let turns = _mm512_loadu_si512(TURNS.as_ptr().cast());
        _mm512_permutexvar_epi16(turns, join(first, second))
    }
}

/// Exchanges rows and columns of sixteen rows of sixteen pairs.
///
/// # Safety
/// The machine has AVX-512.
#[inline(always)]
pub(crate) unsafe fn transpose(rows: [__m512i; ROWS]) -> [__m512i; ROWS] {
    // SAFETY: the caller's promise.
    unsafe {
        // Blocks of 2 x 2, then of 4 x 4, within each quarter of the registers.
        let mut twos = rows;
        for row in (0..ROWS).step_by(2) {
            twos[row] = _mm512_unpacklo_epi32(rows[row], rows[row + 1]);
            twos[row + 1] = _mm512_unpackhi_epi32(rows[row], rows[row + 1]);
        }
        let mut fours = twos;
        for row in (0..ROWS).step_by(4) {
            fours[row] = _mm512_unpacklo_epi64(twos[row], twos[row + 2]);
            fours[row + 1] = _mm512_unpackhi_epi64(twos[row], twos[row + 2]);
            fours[row + 2] = _mm512_unpacklo_epi64(twos[row + 1], twos[row + 3]);
            fours[row + 3] = _mm512_unpackhi_epi64(twos[row + 1], twos[row + 3]);
        }
        // Then the quarters.
        let mut out = fours;
        for row in 0..4 {
            let [a, b, c, d] = [fours[row], fours[row + 4], fours[row + 8], fours[row + 12]];
            let even = [
                _mm512_shuffle_i32x4::<0x88>(a, b),
                _mm512_shuffle_i32x4::<0x88>(c, d),
            ];
            let odd = [
                _mm512_shuffle_i32x4::<0xdd>(a, b),
                _mm512_shuffle_i32x4::<0xdd>(c, d),
            ];
            out[row] = _mm512_shuffle_i32x4::<0x88>(even[0], even[1]);
            out[row + 8] = _mm512_shuffle_i32x4::<0xdd>(even[0], even[1]);
            out[row + 4] = _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1]);
            out[row + 12] = _mm512_shuffle_i32x4::<0xdd>(odd[0], odd[1]);
        }
        out
    }
}

/// Writes the [`transpose`] of `rows` as a tile.
///
/// # Safety
/// The machine has AVX-512; `to` is valid for a tile.
#[inline(always)]
pub(crate) unsafe fn store_transposed(rows: [__m512i; ROWS], to: *mut Pairs) {
    // SAFETY: the caller's promise.
    unsafe {
        let columns = transpose(rows);
        for (row, column) in columns.iter().enumerate() {
            _mm512_store_si512(to.add(row).cast(), *column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::vector::Pair;

    #[target_feature(enable = "avx512f,avx512bw")]
    fn turned(rows: &[Pairs; ROWS]) -> [Pairs; ROWS] {
        let mut to = [Pairs::ZERO; ROWS];
        // SAFETY: the features are enabled, the pointers those of tiles.
        unsafe {
            let rows = std::array::from_fn(|row| _mm512_load_si512((&raw const rows[row]).cast()));
            store_transposed(rows, to.as_mut_ptr());
        }
        to
    }

    #[test]
    fn rows_become_columns() {
        if !Level::available().contains(&Level::Avx512) {
            return;
        }
        let rows = std::array::from_fn(|row| {
            Pairs(std::array::from_fn(|column| {
                Pair([row as u16, column as u16])
            }))
        });
        // SAFETY: the machine has the level.
        let columns = unsafe { turned(&rows) };
        for (row, pairs) in columns.iter().enumerate() {
            for (column, found) in pairs.0.iter().enumerate() {
                assert_eq!(found.0, [column as u16, row as u16]);
            }
        }
    }
}
