//! The registers of x86-64.

use std::arch::x86_64::*;

use super::{Bf16, Pair, Pairs, Product, Vector};

/// One register of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Two registers of AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

/// One register of pairs, multiplied by AVX-512 BF16.
#[derive(Clone, Copy)]
pub(crate) struct Dot(__m512bh);

/// The bits of the second value of a pair.
const UPPER: i32 = 0xffff_0000_u32.cast_signed();

// In `max` and `min` the second operand wins where one is not a number.

impl Vector for Avx512 {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise, here and below.
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see `splat`.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: see `splat`; the pointer is aligned.
        unsafe { _mm512_stream_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const Pairs) -> [Self; 2] {
        // SAFETY: see `splat`.
        unsafe {
            let bits = _mm512_load_si512(from.cast());
            let second = _mm512_and_si512(bits, _mm512_set1_epi32(UPPER));
            [_mm512_slli_epi32::<16>(bits), second].map(|bits| Self(_mm512_castsi512_ps(bits)))
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_max_ps(bound.0, self.0) })
    }
    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_min_ps(bound.0, self.0) })
    }
}

impl Vector for Avx2 {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise, here and below.
        let value = unsafe { _mm256_set1_ps(value) };
        Self(value, value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see `splat`.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see `splat`.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const Pairs) -> [Self; 2] {
        // SAFETY: see `splat`.
        unsafe {
            let from: *const __m256i = from.cast();
            let bits = [_mm256_load_si256(from), _mm256_load_si256(from.add(1))];
            let upper = _mm256_set1_epi32(UPPER);
            let first = bits.map(|bits| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits)));
            let second = bits.map(|bits| _mm256_castsi256_ps(_mm256_and_si256(bits, upper)));
            [first, second].map(|[low, high]| Self(low, high))
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            Self(
                _mm256_fmadd_ps(self.0, factor.0, term.0),
                _mm256_fmadd_ps(self.1, factor.1, term.1),
            )
        }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            Self(
                _mm256_mul_ps(self.0, other.0),
                _mm256_mul_ps(self.1, other.1),
            )
        }
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            Self(
                _mm256_div_ps(self.0, other.0),
                _mm256_div_ps(self.1, other.1),
            )
        }
    }
    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            Self(
                _mm256_max_ps(bound.0, self.0),
                _mm256_max_ps(bound.1, self.1),
            )
        }
    }
    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            Self(
                _mm256_min_ps(bound.0, self.0),
                _mm256_min_ps(bound.1, self.1),
            )
        }
    }
}

impl Product<Bf16> for Dot {
    type Sum = Avx512;
    #[inline(always)]
    unsafe fn operands(from: *const Pairs) -> Self {
        // SAFETY: the caller's promise, here and below; any bits are bfloat16.
        Self(unsafe { from.cast::<__m512bh>().read() })
    }
    #[inline(always)]
    unsafe fn broadcast(weight: Pair) -> Self {
        // SAFETY: see `operands`.
        Self(unsafe {
            let bits: i32 = std::mem::transmute(weight);
            std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(bits))
        })
    }
    #[inline(always)]
    unsafe fn add_product(self, other: Self, sum: Avx512) -> Avx512 {
        // SAFETY: see `operands`.
        Avx512(unsafe { _mm512_dpbf16_ps(sum.0, self.0, other.0) })
    }
}
