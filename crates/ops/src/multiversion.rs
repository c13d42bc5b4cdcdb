//! One kernel body compiled for every instruction set.

/// Defines a function that takes a [`Level`](crate::Level) before its own
/// arguments and runs a body which the compiler has vectorised for that level.
///
/// The body must not depend on the level's features by itself; it is plain
/// Rust, so all levels compute the same numbers.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        fn $name:ident$(<const $constant:ident: $constant_type:ty>)?(
            $($argument:ident: $type:ty),* $(,)?
        ) $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "a kernel's operands, sizes and level")]
        fn $name$(<const $constant: $constant_type>)?(level: $crate::Level, $($argument: $type),*) {
            #[inline(always)]
            fn body$(<const $constant: $constant_type>)?($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512$(<const $constant: $constant_type>)?($($argument: $type),*) {
                body$(::<$constant>)?($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2$(<const $constant: $constant_type>)?($($argument: $type),*) {
                body$(::<$constant>)?($($argument),*)
            }

            match level {
                // SAFETY: kernels get their level from `simd::level` or, in tests, from
                // `Level::available`, which both have asked the machine.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx512 => unsafe { avx512$(::<$constant>)?($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx2 => unsafe { avx2$(::<$constant>)?($($argument),*) },
                _ => body$(::<$constant>)?($($argument),*),
            }
        }
    };
}

pub(crate) use multiversion;
