//! Sixteen windows that look for their largest values side by side, in the
//! registers of each instruction set. Written out because compilers turn the
//! comparison with NaN into branches.

use std::array;

/// Windows side by side.
pub(super) const WINDOWS: usize = 16;

/// For each of sixteen windows the largest value so far, and the tap that had it.
///
/// # Safety
/// All functions: the machine has the instruction set. `meet`: the pointer is
/// valid for sixteen floats.
pub(super) trait Contest: Copy {
    /// Minus infinity, held by the tap that wins where nothing is larger.
    unsafe fn new(taps: [u32; WINDOWS]) -> Self;

    /// One more value for each window, all from the same tap. Of equal values the
    /// earlier stays; a NaN wins and is beaten by another NaN alone.
    unsafe fn meet(self, values: *const f32, tap: u32) -> Self;

    /// The largest values.
    unsafe fn best(self) -> [f32; WINDOWS];

    /// The taps that had them. Where nobody asks the compiler drops the work.
    unsafe fn won(self) -> [u32; WINDOWS];
}

/// No instruction set beyond the target's.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    best: [f32; WINDOWS],
    won: [u32; WINDOWS],
}

impl Contest for Plain {
    #[inline(always)]
    unsafe fn new(taps: [u32; WINDOWS]) -> Self {
        Self {
            best: [f32::NEG_INFINITY; WINDOWS],
            won: taps,
        }
    }

    #[inline(always)]
    unsafe fn meet(self, values: *const f32, tap: u32) -> Self {
        // SAFETY: the caller's promise.
        let values = unsafe { values.cast::<[f32; WINDOWS]>().read_unaligned() };
        let wins: [bool; WINDOWS] =
            array::from_fn(|lane| (values[lane] > self.best[lane]) | values[lane].is_nan());
        Self {
            best: array::from_fn(|lane| {
                if wins[lane] {
                    values[lane]
                } else {
                    self.best[lane]
                }
            }),
            won: array::from_fn(|lane| if wins[lane] { tap } else { self.won[lane] }),
        }
    }

    #[inline(always)]
    unsafe fn best(self) -> [f32; WINDOWS] {
        self.best
    }

    #[inline(always)]
    unsafe fn won(self) -> [u32; WINDOWS] {
        self.won
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Contest, WINDOWS};

    /// One register of AVX-512 each.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512 {
        best: __m512,
        won: __m512i,
    }

    impl Contest for Avx512 {
        #[inline(always)]
        unsafe fn new(taps: [u32; WINDOWS]) -> Self {
            // SAFETY: the caller's promise; the load is within `taps`.
            unsafe {
                Self {
                    best: _mm512_set1_ps(f32::NEG_INFINITY),
                    won: _mm512_loadu_si512(taps.as_ptr().cast()),
                }
            }
        }

        #[inline(always)]
        unsafe fn meet(self, values: *const f32, tap: u32) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let values = _mm512_loadu_ps(values);
                let wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(values, self.best)
                    | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
                Self {
                    best: _mm512_mask_mov_ps(self.best, wins, values),
                    won: _mm512_mask_set1_epi32(self.won, wins, tap.cast_signed()),
                }
            }
        }

        #[inline(always)]
        unsafe fn best(self) -> [f32; WINDOWS] {
            // SAFETY: the same sixteen floats.
            unsafe { std::mem::transmute(self.best) }
        }

        #[inline(always)]
        unsafe fn won(self) -> [u32; WINDOWS] {
            // SAFETY: the same sixteen integers.
            unsafe { std::mem::transmute(self.won) }
        }
    }

    /// Two registers of AVX2 each; the taps are kept as the bits of floats.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2 {
        best: [__m256; 2],
        won: [__m256; 2],
    }

    impl Contest for Avx2 {
        #[inline(always)]
        unsafe fn new(taps: [u32; WINDOWS]) -> Self {
            // SAFETY: the caller's promise; both types are 64 bytes of bits.
            unsafe {
                Self {
                    best: [_mm256_set1_ps(f32::NEG_INFINITY); 2],
                    won: std::mem::transmute::<[u32; WINDOWS], [__m256; 2]>(taps),
                }
            }
        }

        #[inline(always)]
        unsafe fn meet(mut self, values: *const f32, tap: u32) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let tap = _mm256_set1_ps(f32::from_bits(tap));
                for half in 0..2 {
                    let values = _mm256_loadu_ps(values.add(8 * half));
                    let wins = _mm256_or_ps(
                        _mm256_cmp_ps::<_CMP_GT_OQ>(values, self.best[half]),
                        _mm256_cmp_ps::<_CMP_UNORD_Q>(values, values),
                    );
                    self.best[half] = _mm256_blendv_ps(self.best[half], values, wins);
                    self.won[half] = _mm256_blendv_ps(self.won[half], tap, wins);
                }
                self
            }
        }

        #[inline(always)]
        unsafe fn best(self) -> [f32; WINDOWS] {
            // SAFETY: the same sixteen floats.
            unsafe { std::mem::transmute(self.best) }
        }

        #[inline(always)]
        unsafe fn won(self) -> [u32; WINDOWS] {
            // SAFETY: both types are 64 bytes of bits.
            unsafe { std::mem::transmute(self.won) }
        }
    }
}
