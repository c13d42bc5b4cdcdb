//! Sixteen floats in the registers of each instruction set, so that a kernel
//! is written once for all of them.

use crate::Activation;

/// Sixteen floats. Kernels over it are `#[inline(always)]` and called from a
/// function that enables the instruction set.
///
/// # Safety
/// All functions: the machine has the instruction set. `load` and `store`: the
/// pointer is valid for sixteen floats.
pub(crate) trait Vector: Copy {
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Like `store`, past the caches where the hardware can; `to` is aligned to
    /// 64 bytes. Another thread may read it only after [`fence`].
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to) }
    }
    /// `self * factor + term`, rounded once where the hardware can.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// The larger; `self` where it is not a number.
    unsafe fn at_least(self, bound: Self) -> Self;
    /// The smaller; `self` where it is not a number.
    unsafe fn at_most(self, bound: Self) -> Self;
}

/// Sixteen floats without any instruction set beyond the target's.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; 16]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Vector for Plain {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 16])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { from.cast::<[f32; 16]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 16]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            // Without the instruction `f32::mul_add` would be a function call.
            if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
                self.0[lane].mul_add(factor.0[lane], term.0[lane])
            } else {
                self.0[lane] * factor.0[lane] + term.0[lane]
            }
        }))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        self.zip(
            bound,
            |value, bound| if value < bound { bound } else { value },
        )
    }
    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        self.zip(
            bound,
            |value, bound| if value > bound { bound } else { value },
        )
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256, __m256);

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
}

/// Makes what [`Vector::stream`] wrote visible to other threads.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for a cache line to be brought near, if it exists.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and cannot fail, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// The activation of sixteen values.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn activate<V: Vector>(act: Activation, x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        match act {
            Activation::Identity => x,
            Activation::Relu => x.at_least(V::splat(0.0)),
            Activation::Tanh => tanh(x),
        }
    }
}

/// The hyperbolic tangent as a quotient of polynomials, good to a few units in
/// the last place (the coefficients of the Eigen library).
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
unsafe fn tanh<V: Vector>(x: V) -> V {
    const BOUND: f32 = 7.905_311;
    const ODD: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297_1e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    // SAFETY: the caller's promise.
    unsafe {
        let x = x.at_least(V::splat(-BOUND)).at_most(V::splat(BOUND));
        let square = x.mul(x);
        let mut odd = V::splat(ODD[0]);
        for coefficient in &ODD[1..] {
            odd = odd.mul_add(square, V::splat(*coefficient));
        }
        let mut even = V::splat(EVEN[0]);
        for coefficient in &EVEN[1..] {
            even = even.mul_add(square, V::splat(*coefficient));
        }
        odd.mul(x).div(even)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activated(act: Activation, values: [f32; 16]) -> [f32; 16] {
        // SAFETY: `Plain` needs no instruction set.
        unsafe { activate(act, Plain(values)).0 }
    }

    #[test]
    fn tanh_is_precise() {
        for step in -1200..1200 {
            let x = step as f32 * 0.0101;
            let found = f64::from(activated(Activation::Tanh, [x; 16])[3]);
            let exact = f64::from(x).tanh();
            assert!(
                (found - exact).abs() <= 4e-7 * exact.abs(),
                "{x}: {found} {exact}"
            );
        }
    }

    #[test]
    fn not_a_number_passes_through() {
        for act in [Activation::Identity, Activation::Relu, Activation::Tanh] {
            assert!(activated(act, [f32::NAN; 16])[0].is_nan(), "{act:?}");
            assert!(act.apply(f32::NAN).is_nan(), "{act:?}");
        }
    }
}
