//! One kernel body compiled for every instruction set.

/// Defines a function that takes a [`Level`](crate::Level) before its own
/// arguments and runs a body that was compiled for that level.
///
/// A body without a type parameter is plain Rust that the compiler vectorises,
/// so all levels compute the same numbers. `fn name<V: Trait in module>` gives
/// the body the type `Plain`, `Avx2` or `Avx512` of a module as `V`.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident$(<const $constant:ident: $constant_type:ty>)?(
            $($argument:ident: $type:ty),* $(,)?
        ) $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "a kernel's operands, sizes and level")]
        $visibility fn $name$(<const $constant: $constant_type>)?(level: $crate::Level, $($argument: $type),*) {
            #[inline(always)]
            fn body$(<const $constant: $constant_type>)?($($argument: $type),*) $body

            $crate::multiversion::multiversion! {
                @levels level, ($($argument: $type),*), [$($constant: $constant_type)?],
                body$(::<$constant>)?, body$(::<$constant>)?, body$(::<$constant>)?
            }
        }
    };
    (
        $(#[$meta:meta])*
        fn $name:ident<
            $vector:ident: $trait:ident in $($module:ident)::+
            $(, const $constant:ident: $constant_type:ty)?
        >(
            $($argument:ident: $type:ty),* $(,)?
        ) $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "a kernel's operands, sizes and level")]
        fn $name$(<const $constant: $constant_type>)?(level: $crate::Level, $($argument: $type),*) {
            #[inline(always)]
            fn body<$vector: $trait, $(const $constant: $constant_type)?>(
                $($argument: $type),*
            ) $body

            $crate::multiversion::multiversion! {
                @levels level, ($($argument: $type),*), [$($constant: $constant_type)?],
                body::<$($module)::+::Plain, $($constant)?>,
                body::<$($module)::+::Avx2, $($constant)?>,
                body::<$($module)::+::Avx512, $($constant)?>
            }
        }
    };
    (
        @levels $level:ident, ($($argument:ident: $type:ty),*),
        [$($constant:ident: $constant_type:ty)?],
        $plain:expr, $avx2:expr, $avx512:expr
    ) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn avx512$(<const $constant: $constant_type>)?($($argument: $type),*) {
            $avx512($($argument),*)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2$(<const $constant: $constant_type>)?($($argument: $type),*) {
            $avx2($($argument),*)
        }

        match $level {
            // SAFETY: kernels get their level from `simd::level`, from a plan's `at_level`,
            // which lowers what it is given, or, in tests, from `Level::available`: all
            // have asked the machine.
            #[cfg(target_arch = "x86_64")]
            $crate::Level::Avx512 | $crate::Level::Amx => unsafe { avx512$(::<$constant>)?($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            $crate::Level::Avx2 => unsafe { avx2$(::<$constant>)?($($argument),*) },
            _ => $plain($($argument),*),
        }
    };
}

/// Defines an unsafe function that takes a [`Level`](crate::Level) before its own
/// arguments and calls `$run::<E, P, ..>`, compiled for that level, where `P` is
/// how the level multiplies operands of the kind `E`. The constants that follow
/// are those of AVX-512 and those of the levels below it.
macro_rules! by_product {
    (
        $(#[$meta:meta])*
        unsafe fn $name:ident<$element:ident: $bound:ident>(
            $($argument:ident: $type:ty),* $(,)?
        ) = $run:ident, [$($wide:literal),*], [$($narrow:literal),*];
    ) => {
        $(#[$meta])*
        unsafe fn $name<$element: $bound>(level: $crate::Level, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
            unsafe fn avx512_bf16<$element: $bound>($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { $run::<$element, $element::Avx512Bf16, $($wide),*>($($argument),*) }
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            unsafe fn avx512<$element: $bound>($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { $run::<$element, $element::Avx512, $($wide),*>($($argument),*) }
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2<$element: $bound>($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { $run::<$element, $element::Avx2, $($narrow),*>($($argument),*) }
            }

            // SAFETY: the caller's promise; the instruction has been asked for.
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    $crate::Level::Avx512 | $crate::Level::Amx if $element::has_instruction() => {
                        avx512_bf16::<$element>($($argument),*)
                    }
                    #[cfg(target_arch = "x86_64")]
                    $crate::Level::Avx512 | $crate::Level::Amx => avx512::<$element>($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::Level::Avx2 => avx2::<$element>($($argument),*),
                    _ => $run::<$element, $element::Plain, $($narrow),*>($($argument),*),
                }
            }
        }
    };
}

pub(crate) use {by_product, multiversion};
