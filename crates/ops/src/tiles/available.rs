//! Whether this process may use tiles.

use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::sync::OnceLock;

/// Whether the machine, which has AVX-512, has AMX with bfloat16 and AVX-512
/// BF16, and the system lets this process use them. Asked once.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    // The interpreter Miri knows no tiles.
    *AVAILABLE.get_or_init(|| {
        !cfg!(miri) && is_x86_feature_detected!("avx512bf16") && has_tiles() && permitted()
    })
}

/// Whether the processor has the instructions and the system keeps the registers.
fn has_tiles() -> bool {
    const AMX_BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    const TILE_STATE: u64 = 1 << 17 | 1 << 18;
    // The leaf that lists AMX; and by `xsave` the system says what it keeps.
    if __cpuid(0).eax < 7 || !is_x86_feature_detected!("xsave") {
        return false;
    }
    // SAFETY: with `xsave` detected, the system has enabled reading the register.
    let kept = unsafe { kept_state() };
    __cpuid_count(7, 0).edx & AMX_BF16_AND_TILE == AMX_BF16_AND_TILE
        && kept & TILE_STATE == TILE_STATE
}

#[target_feature(enable = "xsave")]
fn kept_state() -> u64 {
    // SAFETY: register 0 exists wherever `xsave` is enabled.
    unsafe { _xgetbv(0) }
}

/// Asks Linux for the tiles, which it keeps from a process that does not ask:
/// they make what it saves of a thread 8 KiB larger. The answer holds for all
/// threads.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers and changes no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

/// How other systems are asked is not known here.
#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}
