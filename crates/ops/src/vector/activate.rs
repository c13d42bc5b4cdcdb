//! Activations of whole registers.

use super::Vector;
use crate::Activation;

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
    use super::super::Plain;
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
