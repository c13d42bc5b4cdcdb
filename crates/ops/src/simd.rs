//! Which vector instructions the kernels use, decided once when first asked.

use std::sync::OnceLock;

/// An instruction set the kernels are compiled for; later ones include earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever the target guarantees (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// The tiles of AMX, which multiply bfloat16, and AVX-512 with its BF16 for
    /// everything else.
    Amx,
}

impl Level {
    /// The levels this machine can run, lowest first; tests go through them all.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Amx]
            .into_iter()
            .filter(|level| *level <= detected())
            .collect()
    }
}

/// The best level of this machine, or the lower one named by the environment
/// variable `ABLATE_SIMD` (`portable`, `avx2`, `avx512`, `amx`).
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let wanted = match std::env::var("ABLATE_SIMD").as_deref() {
            Ok("portable") => Level::Portable,
            Ok("avx2") => Level::Avx2,
            Ok("avx512") => Level::Avx512,
            _ => Level::Amx,
        };
        wanted.min(detected())
    })
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    // A virtual machine may hide the lower set and show the higher.
    match (avx2, avx512) {
        (true, true) if crate::tiles::available() => Level::Amx,
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        (false, _) => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Portable
}
