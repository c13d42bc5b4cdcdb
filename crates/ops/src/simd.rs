//! Which vector instructions the kernels use, decided once when first asked.

use std::sync::OnceLock;

/// An instruction set the kernels are compiled for; later ones include earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever the target guarantees (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL; with its BF16, where the machine has that, for products
    /// of bfloat16.
    Avx512,
    /// The tiles of AMX, which multiply bfloat16, and AVX-512 with its BF16 for
    /// everything else.
    Amx,
}

impl Level {
    /// The levels this machine can run, lowest first; tests go through them all.
    pub fn available() -> Vec<Self> {
        let levels = NAMED.map(|(_, level)| level);
        levels
            .into_iter()
            .filter(|level| *level <= detected())
            .collect()
    }

    /// This level, or the best below it that this machine has.
    pub(crate) fn or_best(self) -> Self {
        self.min(detected())
    }
}

/// The levels by their names in the environment variable, lowest first.
const NAMED: [(&str, Level); 4] = [
    ("portable", Level::Portable),
    ("avx2", Level::Avx2),
    ("avx512", Level::Avx512),
    ("amx", Level::Amx),
];

/// The best level of this machine, or the lower one named by the environment
/// variable `ABLATE_SIMD` (`portable`, `avx2`, `avx512`, `amx`).
///
/// # Panics
/// The variable is set to what [`check_level`] refuses.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| asked().unwrap_or_else(|problem| panic!("{problem}")))
}

/// Whether the environment variable `ABLATE_SIMD` can be followed; for programs to ask
/// when they start.
///
/// # Errors
/// It names no level, or one that this machine does not have.
pub fn check_level() -> Result<(), String> {
    asked().map(|_| ())
}

fn asked() -> Result<Level, String> {
    match std::env::var_os("ABLATE_SIMD") {
        Some(name) => named(&name.to_string_lossy(), detected()),
        None => Ok(detected()),
    }
}

/// The level of a name, on a machine whose best is `best`.
fn named(name: &str, best: Level) -> Result<Level, String> {
    let found = NAMED.into_iter().find(|(known, _)| *known == name);
    let problem = match found {
        Some((_, level)) if level <= best => return Ok(level),
        Some(_) => "which this machine does not have",
        None => "which is no instruction set",
    };
    let names = NAMED.into_iter().filter(|(_, level)| *level <= best);
    let names: Vec<&str> = names.map(|(name, _)| name).collect();
    Err(format!(
        "the environment variable ABLATE_SIMD is `{name}`, {problem}\n  fix: unset it, or give {}",
        names.join(", ")
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_had_by_its_name_or_refused() {
        for (name, level) in NAMED {
            assert_eq!(named(name, Level::Amx), Ok(level));
            assert_eq!(named(name, level), Ok(level));
        }
        for (name, best, parts) in [
            (
                "avx512",
                Level::Avx2,
                ["`avx512`, which this machine", "give portable, avx2"],
            ),
            (
                "AVX2",
                Level::Amx,
                ["`AVX2`, which is no", "give portable, avx2, avx512, amx"],
            ),
            ("", Level::Portable, ["``, which is no", "give portable"]),
        ] {
            let error = named(name, best).expect_err("refused");
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn the_best_below_a_level_is_available() {
        for (_, level) in NAMED {
            let best = Level::available()
                .into_iter()
                .rfind(|found| *found <= level);
            assert_eq!(Some(level.or_best()), best);
        }
    }
}
