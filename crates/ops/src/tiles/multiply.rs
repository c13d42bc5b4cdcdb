//! The kernel that all uses of tiles share: one row or column of tiles of one
//! factor times four of the other.

use std::arch::asm;

use super::{ROW_BYTES, ROWS};
use crate::lanes::Lanes;
use crate::vector::Pairs;

/// Tiles of the factor that jumps, multiplied with each of the other. Four sums
/// are what the multiplier needs to be busy, and five loads for four products
/// what the load units keep up with.
pub(crate) const JUMPERS: usize = 4;

/// Which factor of the product walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walker {
    First,
    Second,
}

/// The sizes of the tiles, each at most sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Rows of the product.
    pub rows: usize,
    /// Pairs that one multiplication sums over.
    pub pairs: usize,
    /// Which factor walks from tile to tile; the other jumps.
    pub walker: Walker,
}

/// What the registers are set up for while it lives, on the thread that made it.
///
/// Setting up costs some ten nanoseconds. When done, the registers are released,
/// lest the system save and restore 8 KiB whenever it switches threads.
pub(crate) struct Tiles {
    walker: Walker,
    /// A thread's registers are its own.
    not_send: std::marker::PhantomData<*const ()>,
}

/// As the processor reads it.
#[repr(C, align(64))]
struct Palette {
    number: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Sets up this thread's registers.
    ///
    /// # Safety
    /// The machine has [`Level::Amx`](crate::Level).
    ///
    /// # Panics
    /// When a size is zero or above sixteen.
    pub unsafe fn new(shape: Shape) -> Self {
        let Shape {
            rows,
            pairs,
            walker,
        } = shape;
        assert!(
            (1..=ROWS).contains(&rows) && (1..=ROWS).contains(&pairs),
            "{shape:?}"
        );
        let product = (rows, ROW_BYTES);
        let (first, second) = ((rows, 4 * pairs), (pairs, ROW_BYTES));
        let [walking, jumping] = match walker {
            Walker::First => [first, second],
            Walker::Second => [second, first],
        };
        let registers = [
            product, product, product, product, walking, jumping, jumping, jumping,
        ];
        let mut palette = Palette {
            number: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        for (index, (rows, bytes)) in registers.into_iter().enumerate() {
            palette.row_bytes[index] = bytes as u16;
            palette.rows[index] = rows as u8;
        }
        // SAFETY: the caller has the instruction; the palette describes eight
        // registers of valid sizes.
        unsafe {
            asm!(
                "ldtilecfg [{}]",
                in(reg) &palette,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly)
            );
        }
        Self {
            walker,
            not_send: std::marker::PhantomData,
        }
    }

    /// Adds to each of four sums, tiles of sixteen rows of which only those of
    /// the product are touched, or overwrites them where they are `fresh`: the
    /// products of the tiles that follow `walker` with those that lie at
    /// `offsets`, in bytes, from the jumper.
    ///
    /// # Safety
    /// There are as many tiles at `walker` as offsets, and one at each offset
    /// from each jumper, of the shape that was set up; the sums are valid.
    #[inline]
    pub unsafe fn multiply(
        &self,
        walker: *const Pairs,
        jumpers: [*const Pairs; JUMPERS],
        offsets: &[usize],
        sums: [*mut Lanes; JUMPERS],
        fresh: bool,
    ) {
        if offsets.is_empty() {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe {
            match (self.walker, fresh) {
                (Walker::First, true) => kernel!(zero, first, walker, jumpers, offsets, sums),
                (Walker::First, false) => kernel!(load, first, walker, jumpers, offsets, sums),
                (Walker::Second, true) => kernel!(zero, second, walker, jumpers, offsets, sums),
                (Walker::Second, false) => kernel!(load, second, walker, jumpers, offsets, sums),
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: that this exists shows that the machine has the instruction.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

/// The sums are in `tmm0` to `tmm3`, the walker in `tmm4`, jumpers in the rest.
/// All in one block, so that nothing comes between that uses the registers.
macro_rules! kernel {
    (zero, $factor:ident, $($rest:tt)*) => {
        kernel!(
            @start [
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            ], $factor, $($rest)*
        )
    };
    (load, $factor:ident, $($rest:tt)*) => {
        kernel!(
            @start [
                "mov {t}, [{sums}]", "tileloadd tmm0, [{t} + {s}]",
                "mov {t}, [{sums} + 8]", "tileloadd tmm1, [{t} + {s}]",
                "mov {t}, [{sums} + 16]", "tileloadd tmm2, [{t} + {s}]",
                "mov {t}, [{sums} + 24]", "tileloadd tmm3, [{t} + {s}]",
            ], $factor, $($rest)*
        )
    };
    (@start [$($start:literal,)*], first, $($rest:tt)*) => {
        kernel!(@loop [$($start,)*], [
            "tdpbf16ps tmm0, tmm4, tmm5", "tdpbf16ps tmm1, tmm4, tmm6",
            "tdpbf16ps tmm2, tmm4, tmm7", "tdpbf16ps tmm3, tmm4, tmm5",
        ], $($rest)*)
    };
    (@start [$($start:literal,)*], second, $($rest:tt)*) => {
        kernel!(@loop [$($start,)*], [
            "tdpbf16ps tmm0, tmm5, tmm4", "tdpbf16ps tmm1, tmm6, tmm4",
            "tdpbf16ps tmm2, tmm7, tmm4", "tdpbf16ps tmm3, tmm5, tmm4",
        ], $($rest)*)
    };
    (
        @loop [$($start:literal,)*],
        [$first:literal, $second:literal, $third:literal, $fourth:literal,],
        $walker:ident, $jumpers:ident, $offsets:ident, $sums:ident
    ) => {
        asm!(
            $($start,)*
            "2:",
            "mov {o}, [{offsets}]",
            "tileloadd tmm4, [{walker} + {s}]",
            "lea {t}, [{j0} + {o}]",
            "tileloadd tmm5, [{t} + {s}]",
            $first,
            "lea {t}, [{j1} + {o}]",
            "tileloadd tmm6, [{t} + {s}]",
            $second,
            "lea {t}, [{j2} + {o}]",
            "tileloadd tmm7, [{t} + {s}]",
            $third,
            "lea {t}, [{j3} + {o}]",
            "tileloadd tmm5, [{t} + {s}]",
            $fourth,
            "add {walker}, 1024",
            "add {offsets}, 8",
            "dec {count}",
            "jnz 2b",
            "mov {t}, [{sums}]", "tilestored [{t} + {s}], tmm0",
            "mov {t}, [{sums} + 8]", "tilestored [{t} + {s}], tmm1",
            "mov {t}, [{sums} + 16]", "tilestored [{t} + {s}], tmm2",
            "mov {t}, [{sums} + 24]", "tilestored [{t} + {s}], tmm3",
            walker = inout(reg) $walker => _,
            offsets = inout(reg) $offsets.as_ptr() => _,
            count = inout(reg) $offsets.len() => _,
            j0 = in(reg) $jumpers[0],
            j1 = in(reg) $jumpers[1],
            j2 = in(reg) $jumpers[2],
            j3 = in(reg) $jumpers[3],
            sums = in(reg) $sums.as_ptr(),
            s = in(reg) ROW_BYTES,
            o = out(reg) _,
            t = out(reg) _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        )
    };
}
use kernel;
