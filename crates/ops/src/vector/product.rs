//! How a kernel multiplies: in float32, or in bfloat16 with float32 sums.
//!
//! A matrix kernel reads operands, multiplies them and adds the products to
//! sums in registers. It is written once, over an [`Element`]; in bfloat16 one
//! step takes in two products of the same sum.

use std::fmt::Debug;

use super::{Pair, Pairs, Plain, Vector};
use crate::lanes::Lanes;

/// What the operands of a kernel are. All kinds have the same size: a register
/// of operands is 64 bytes, one that is broadcast four.
pub(crate) trait Element: Copy + Debug + Send + Sync + 'static {
    /// Operands of sixteen images.
    type Lanes: Copy + Send + Sync;
    /// An operand that is multiplied with those of sixteen images.
    type Weight: Copy + Debug + Default + Send + Sync;
    /// How each instruction set multiplies them.
    type Plain: Product<Self, Sum = Plain>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Product<Self, Sum = super::Avx2>;
    #[cfg(target_arch = "x86_64")]
    type Avx512: Product<Self, Sum = super::Avx512>;
    /// With AVX-512 BF16.
    #[cfg(target_arch = "x86_64")]
    type Avx512Bf16: Product<Self, Sum = super::Avx512>;
    /// Whether the machine, which has AVX-512, has AVX-512 BF16 and it is of use.
    #[cfg(target_arch = "x86_64")]
    fn has_instruction() -> bool;
    /// All zero.
    const ZERO: Self::Lanes;
}

/// A register of operands.
///
/// # Safety
/// All functions: the machine has the instruction set. `operands`: the pointer is
/// valid and aligned.
pub(crate) trait Product<E: Element>: Copy {
    type Sum: Vector;
    unsafe fn operands(from: *const E::Lanes) -> Self;
    unsafe fn broadcast(weight: E::Weight) -> Self;
    /// `sum` and the products of `self` with `other`.
    unsafe fn add_product(self, other: Self, sum: Self::Sum) -> Self::Sum;
}

/// Float32 operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F32;

impl Element for F32 {
    type Lanes = Lanes;
    type Weight = f32;
    type Plain = Plain;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::Avx2;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = super::Avx512;
    #[cfg(target_arch = "x86_64")]
    type Avx512Bf16 = super::Avx512;
    #[cfg(target_arch = "x86_64")]
    fn has_instruction() -> bool {
        false
    }
    const ZERO: Lanes = Lanes::ZERO;
}

impl<V: Vector> Product<F32> for V {
    type Sum = V;
    #[inline(always)]
    unsafe fn operands(from: *const Lanes) -> Self {
        // SAFETY: the caller's promise.
        unsafe { V::load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn broadcast(weight: f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { V::splat(weight) }
    }
    #[inline(always)]
    unsafe fn add_product(self, other: Self, sum: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.mul_add(other, sum) }
    }
}

/// Bfloat16 operands, two at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bf16;

impl Element for Bf16 {
    type Lanes = Pairs;
    type Weight = Pair;
    type Plain = Halves<Plain>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Halves<super::Avx2>;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Halves<super::Avx512>;
    #[cfg(target_arch = "x86_64")]
    type Avx512Bf16 = super::x86::Dot;
    #[cfg(target_arch = "x86_64")]
    fn has_instruction() -> bool {
        is_x86_feature_detected!("avx512bf16")
    }
    const ZERO: Pairs = Pairs::ZERO;
}

/// Pairs widened to float32, for machines without an instruction for them.
#[derive(Clone, Copy)]
pub(crate) struct Halves<V> {
    first: V,
    second: V,
}

impl<V: Vector> Product<Bf16> for Halves<V> {
    type Sum = V;
    #[inline(always)]
    unsafe fn operands(from: *const Pairs) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let [first, second] = V::load_pairs(from);
            Self { first, second }
        }
    }
    #[inline(always)]
    unsafe fn broadcast(weight: Pair) -> Self {
        // SAFETY: the caller's promise.
        let [first, second] = weight.values().map(|value| unsafe { V::splat(value) });
        Self { first, second }
    }
    #[inline(always)]
    unsafe fn add_product(self, other: Self, sum: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let sum = self.second.mul_add(other.second, sum);
            self.first.mul_add(other.first, sum)
        }
    }
}
