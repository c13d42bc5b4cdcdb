//! Sixteen floats in the registers of each instruction set, so that a kernel
//! is written once for all of them.

mod activate;
mod pairs;
mod product;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use activate::activate;
pub(crate) use pairs::{Pair, Pairs, pair_neighbours, pair_rows, pair_up, round_row};
pub(crate) use product::{Bf16, Element, F32, Product};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

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
    /// The first and the second values of pairs; `from` is aligned.
    unsafe fn load_pairs(from: *const Pairs) -> [Self; 2];
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
    unsafe fn load_pairs(from: *const Pairs) -> [Self; 2] {
        // SAFETY: the caller's promise.
        let values = unsafe { from.read() }.0.map(Pair::values);
        [0, 1].map(|half| Self(std::array::from_fn(|lane| values[lane][half])))
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

/// Makes what [`Vector::stream`] wrote visible to other threads. The interpreter
/// Miri knows neither streaming nor this.
pub(crate) fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
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
